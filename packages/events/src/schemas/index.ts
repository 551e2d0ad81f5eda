// The documented wire shapes as zod schemas: apart from the rest, so that only who uses them loads zod.
export {
  callAnsweredDataSchema,
  callEndedDataSchema,
  callStartedDataSchema,
  toolExecutedDataSchema,
  transcriptionUpdateDataSchema,
  turnSchema,
  webhookEventSchema,
} from './event-schemas.ts'
export type {
  CallAnsweredData,
  CallEndedData,
  CallStartedData,
  ToolExecutedData,
  TranscriptionUpdateData,
  WebhookEvent,
} from './event-schemas.ts'
