// What a handler gets, and throws.
export type { DataOf, EventData } from './event/event-data.ts'
export type { ReceivedEvent } from './event/received-event.ts'
export type { CallRecord, Issue, OutcomeField } from '@hookswitch/events'
export { Rejected } from './receiver/rejected.ts'

// Read from an event, whatever its dialect.
export { echoed } from './event/echoed.ts'
export type { Echoed } from './event/echoed.ts'
export { outcomeState } from './event/outcome-state.ts'
export { transcriptText } from './event/transcript-text.ts'

// The receiver and its options.
export { createReceiver } from './receiver/create-receiver.ts'
export type { Receiver } from './receiver/receiver.ts'
export type {
  ErrorContext,
  Handler,
  HandlerContext,
  Handlers,
  LogEntry,
  ReceiverOptions,
} from './receiver/options.ts'
export type { StandardIssue, StandardResult, StandardSchemaV1 } from './receiver/standard-schema.ts'
export type { EventSpan, Tracer } from './receiver/tracer.ts'

// For adapters.
export type { Answer, Incoming, ParsedBody } from './receiver/incoming.ts'

// Once each, and later.
export { memoryDedupe } from './dedupe/memory-dedupe.ts'
export type { MemoryDedupeOptions } from './dedupe/memory-dedupe.ts'
export type { Claim, Dedupe } from './dedupe/dedupe.ts'
export type { EventQueue, QueuedEvent } from './queue/event-queue.ts'
