// What an event is: the documented types, and what every event says in one vocabulary.
export { knownEventTypes } from './event.ts'
export type { Dialect, Envelope, EventFacts, Issue, KnownEventType, ToolRun, Turn } from './event.ts'

// From bytes to an event. These run for each request.
export { bodyNestingMax } from './json.ts'
export { readBody } from './wire/body.ts'
export type { BodyReading } from './wire/body.ts'
export { readEnvelope } from './wire/envelope.ts'
export type { EnvelopeReading } from './wire/envelope.ts'
export { canonicalContent } from './wire/canonical-content.ts'

// From an event to what it says about its call.
export { noFacts, readFacts } from './facts/read-facts.ts'

// From events to a call.
export { foldCall } from './fold/fold-call.ts'
export type { FoldedEvent } from './fold/fold-call.ts'
export { callLimits } from './call.ts'
export type {
  CallChange,
  CallHead,
  CallPart,
  CallPartKind,
  CallRecord,
  CallStatus,
  CallSummary,
  OutcomeField,
  OutcomeOrigin,
  PartPlace,
  Said,
} from './call.ts'

// From a call to what the API shows of it.
export { showCall, summarizeCall, transcriptText } from './show/show-call.ts'
export type { CallView } from './show/outcome-fields.ts'
export { coerceOutcome, coerceValue } from './show/coerce-outcome.ts'
export type { Coerced, JsonSchema } from './show/coerce-outcome.ts'

// Who sent it: the forms of the Authorization header, and signatures.
export { authorizationHeader, normalizeSecret, secretCandidates } from './auth/authorization.ts'
export { constantTimeEqual } from './auth/constant-time.ts'
export { signWebhook, verifyWebhook } from './auth/standard-webhooks.ts'
export type { WebhookRefusal, WebhookSignatureHeaders, WebhookVerdict } from './auth/standard-webhooks.ts'

// What the ingest answers.
export {
  acceptedBody,
  acceptedHeaders,
  duplicateBody,
  ingestAnswers,
  invalidPayload,
} from './ingest-answers.ts'
export type { IngestAnswer, IngestErrorCode } from './ingest-answers.ts'
