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
  RoutedDestination,
  SecretOrigin,
  Store,
  StoreChange,
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
export { agentId, callId, eventId } from './receive/event-id.ts'
export { newEvent } from './receive/new-event.ts'
export { Acceptor } from './accept/acceptor.ts'
export { InFlight } from './accept/in-flight.ts'
export type { Accepted, AcceptorOptions } from './accept/acceptor.ts'

// Publish: agents of our own, the calls that they make, and the sources of what they publish.
export type { AgentDefinition, NewAgent, StoredAgent } from './publish/agent.ts'
export { freshProgress, repeatableMax } from './publish/started-call.ts'
export type {
  CallOverride,
  CallProgress,
  CallState,
  NewStartedCall,
  PublishedAnswer,
  Repeatable,
  StartedCall,
} from './publish/started-call.ts'
export { nextCallState } from './publish/call-state.ts'
export type { CallStep } from './publish/call-state.ts'
export {
  agentSource,
  isPublishedSource,
  overrideSource,
  publishingAgent,
} from './publish/published-source.ts'
export type { Publication, PublishStore } from './publish/publish-store.ts'

// Fold: from the log to the calls.
export { FoldLoop } from './fold/fold-loop.ts'
export type { FoldLoopOptions } from './fold/fold-loop.ts'
export { foldStretch } from './fold/fold-stretch.ts'

// Route: from an event to its deliveries.
export { keptLaneKey, notRouted, routeEvent } from './route/route.ts'
export type { NotRouted } from './route/route.ts'
export { lanePathProblem } from './route/lane-key.ts'
export type { LaneSubject } from './route/lane-key.ts'

// Deliver: destinations, lanes, deliveries and their attempts.
export type {
  DestinationDefinition,
  DestinationFlow,
  DestinationLimits,
  DestinationName,
  DestinationOrigin,
  DestinationScope,
  DestinationVersion,
  Hold,
  HoldReason,
  LaneRule,
  RetryPolicy,
  RetryPreset,
  StoredDestination,
  UserCode,
} from './deliver/destination.ts'
export { destinationId } from './deliver/destination-id.ts'
export type {
  AuditEntry,
  DeliveryState,
  LaneState,
  ListedDelivery,
  ReplayFilter,
  RoutedDelivery,
  StoredAttempt,
  StoredDelivery,
  StoredLane,
  StoredReplay,
} from './deliver/delivery.ts'
export { deliveryAgeMsMax, epochLapsesMs, keysKeptMs } from './deliver/delivery-store.ts'
export type {
  Claim,
  DeliveryQuery,
  DeliveryStats,
  DeliveryStore,
  EraseReport,
  EraseSelection,
  LaneQuery,
  NewDestination,
  RecentAttempt,
  ReplayMatch,
  ReplayRead,
  RetentionCutoffs,
  RetentionReport,
  RetryResult,
  TurnOutcome,
  WorkAnswer,
  WorkRequest,
  WorkResult,
} from './deliver/delivery-store.ts'
export { answerBytesMax, traceBytesMax, withoutAnswer } from './deliver/attempt.ts'
export type { AttemptResult, RequestTrace, ResponseTrace, Verdict } from './deliver/attempt.ts'
export { judgeStatus } from './deliver/verdict.ts'
export { readRetryAfter } from './deliver/retry-after.ts'
export { Rejected, Retryable } from './deliver/failure.ts'
export type { FailureCause } from './deliver/failure.ts'
export { retryAfterWithinCap, retryDelayMs, retryLimits, retryPresets, triesMax } from './deliver/retry.ts'

// What an answer does to a destination and its lanes: for the engines of the store.
export {
  allowedSends,
  breakerFailures,
  drawn,
  freshFlow,
  held,
  holdAt,
  isHalfOpen,
  resumed,
  resumedByChange,
} from './deliver/flow.ts'
export { settle } from './deliver/settle.ts'
export type { Settlement } from './deliver/settle.ts'
export { lanesToTake } from './deliver/share.ts'

// What became of an event, and how a destination fares, for people.
export { explainEvent } from './deliver/explain.ts'
export type { ExplainedDelivery, ExplainedState, ExplainSubject, Explanation } from './deliver/explain.ts'
export { failingWarning } from './deliver/flow.ts'
export type { FailingWarning } from './deliver/flow.ts'
export { destinationHealth } from './deliver/health.ts'
export type { DestinationHealth } from './deliver/health.ts'

// The engine that works the lanes, and what it looks after besides.
export { Deliverer } from './deliver/deliverer.ts'
export type { DelivererOptions, DeliveryJob, DeliveryResult } from './deliver/deliverer.ts'
export { DestinationBook } from './deliver/destination-book.ts'
export { turnOutcome } from './deliver/turn-outcome.ts'
export { Upkeep, retentionCutoffs } from './upkeep/upkeep.ts'
export type { RetentionDays, UpkeepOptions } from './upkeep/upkeep.ts'

// Threads: the store in one of its own, and time.
export { hostStore } from './runtime/store-host.ts'
export type { StoreHostOptions } from './runtime/store-host.ts'
export { connectStore, joinStores, storeAt } from './runtime/remote-store.ts'
export type {
  ReadingStore,
  RemoteStore,
  RemoteStoreEvents,
  StoreThread,
  WritingStore,
} from './runtime/remote-store.ts'
export { realTimers } from './runtime/timers.ts'
export type { Timers } from './runtime/timers.ts'
