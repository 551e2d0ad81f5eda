// A real Redis of the test's own.
export { redisMissing, startRedis } from './server.ts'
export type { RedisServer } from './server.ts'
