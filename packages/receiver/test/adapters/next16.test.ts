import { nextSuite } from './next-suite.ts'

nextSuite('next16', 'proxy')
