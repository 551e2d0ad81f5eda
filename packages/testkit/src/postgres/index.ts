// A real PostgreSQL with databases of the test's own.
export {
  ownPostgresMissing,
  postgresMissing,
  queryPostgres,
  startOwnPostgres,
  startPostgres,
} from './databases.ts'
export type { OwnPostgres, Postgres } from './databases.ts'

// What may happen on the way to it.
export { startProxy } from './proxy.ts'
export type { Proxy } from './proxy.ts'

// Where a transaction may be stopped.
export { pauseAt } from './pause.ts'
export type { PauseOptions, PausePoint } from './pause.ts'
