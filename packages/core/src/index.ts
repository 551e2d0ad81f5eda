// The port to the one place where everything lies, and how it fails.
export { foldTurnMs } from './store/store.ts'
export type {
  Appended,
  CallCursor,
  CallQuery,
  EventQuery,
  FoldCommit,
  FoldRead,
  LogBounds,
  NewEvent,
  SecretOrigin,
  Store,
  StoredEvent,
  StoredSecret,
  StoreStats,
} from './store/store.ts'
export { StoreError, storeErrors } from './store/store-error.ts'
export type { StoreErrorCode } from './store/store-error.ts'

// Receive and accept: from the socket to the log.
export { createIngest, isIngestPath } from './receive/ingest.ts'
export type { Ingest, IngestOptions } from './receive/ingest.ts'
export { ingestLimits } from './receive/limits.ts'
export type { IngestLimits } from './receive/limits.ts'
export type { Arrival, Refusal } from './receive/arrival.ts'
export type { Source } from './receive/source.ts'
export { eventId } from './receive/event-id.ts'
export { Acceptor } from './accept/acceptor.ts'
export type { Accepted, AcceptorOptions } from './accept/acceptor.ts'

// Fold: from the log to the calls.
export { FoldLoop } from './fold/fold-loop.ts'
export type { FoldLoopOptions } from './fold/fold-loop.ts'
export { foldStretch } from './fold/fold-stretch.ts'

// The store in a thread of its own.
export { hostStore } from './runtime/store-host.ts'
export type { StoreHostOptions } from './runtime/store-host.ts'
export { connectStore } from './runtime/remote-store.ts'
export type { RemoteStore, RemoteStoreEvents, StoreThread } from './runtime/remote-store.ts'
