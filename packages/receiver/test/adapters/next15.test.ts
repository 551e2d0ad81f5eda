import { nextSuite } from './next-suite.ts'

nextSuite('next15', 'middleware')
