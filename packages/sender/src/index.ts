// From what happened in a call to the bytes of an event.
export { buildEvent } from './build-event.ts'
export type { BuiltEvent, EventInput } from './build-event.ts'
export { buildLegacyEvent } from './build-legacy-event.ts'
export { sampleData } from './sample-data.ts'
export type { SampleData } from './sample-data.ts'

// By what its receiver knows who sent it.
export { authorizationHeader } from '@hookswitch/events'
export { sign } from './sign.ts'
export { generateSigningSecret, publicKeyOf } from './signing-secret.ts'
export type { SigningSecret } from './signing-secret.ts'

// From the bytes to the endpoint: in order per call, again where another try may help.
export { createSender } from './create-sender.ts'
export type { Sender } from './create-sender.ts'
export type { SenderOptions } from './sender-options.ts'
export { retryPresets } from './retry.ts'
export type { Retry, RetryPreset } from './retry.ts'
export { SenderError } from './send-result.ts'
export type { Delivered, NotDelivered, SendAttempt, SendFailure, SendResult } from './send-result.ts'
export type { Timers } from './timers.ts'
