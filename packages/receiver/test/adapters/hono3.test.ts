import { afterParserCases } from './after-parser-cases.ts'
import { honoSuite } from './hono-suite.ts'

honoSuite('hono3', afterParserCases(/a middleware.*above it/))
