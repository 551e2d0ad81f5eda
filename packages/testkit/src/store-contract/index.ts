// What every engine of the store is held to.
export { storeContract, storeContractCases } from './suite.ts'
export type { StoreHarness } from './suite.ts'

// Lets time pass where the clock is PostgreSQL's.
export { moveIntoThePast } from './postgres-clock.ts'

// Events, calls and secrets to hold it with.
export {
  callHead,
  change,
  foldAll,
  foldUpTo,
  newEvent,
  repeated,
  secret,
  withOtherContent,
} from './samples.ts'

// Calls that were started here, and what is published in them.
export { newStartedCall, publication } from './publishing.ts'
