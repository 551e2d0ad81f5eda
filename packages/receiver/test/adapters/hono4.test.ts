import { bytesAfterParserCase } from './after-parser-cases.ts'
import { honoSuite } from './hono-suite.ts'

honoSuite('hono4', [bytesAfterParserCase('c.req.json() leaves the text', '/parsed-signed')])
