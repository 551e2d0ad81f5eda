// The wire shapes as the platform documents them, for validation in handlers, for forms and for OpenAPI. Receiving
// does not go through them: `readEnvelope` and `readFacts` take far more, and faster.
import { z } from 'zod'

/** One turn of a transcript, `{"Agent":"…"}` or `{"User":"…"}`. */
export const turnSchema = z.looseObject({ Agent: z.string().optional(), User: z.string().optional() })

export const callStartedDataSchema = z.looseObject({ params: z.record(z.string(), z.unknown()).optional() })

export const callAnsweredDataSchema = z.looseObject({})

/** The platform documents no fields; these two are the forms that were seen, what is new or all so far. */
export const transcriptionUpdateDataSchema = z.looseObject({
  speaker: z.string().optional(),
  text: z.string().optional(),
  transcription: z.array(turnSchema).optional(),
})

export const toolExecutedDataSchema = z.looseObject({
  toolName: z.string().optional(),
  input: z.unknown().optional(),
  output: z.unknown().optional(),
  success: z.boolean().optional(),
  /** Milliseconds. */
  duration: z.number().optional(),
  error: z.string().nullish(),
})

export const callEndedDataSchema = z.looseObject({
  conversationId: z.string().optional(),
  conversationRecording: z.string().optional(),
  transcription: z.array(turnSchema).optional(),
  /** Echoed params and collected fields; null is what the caller did not say. */
  outcomeResult: z.record(z.string(), z.unknown()).optional(),
})

function eventSchema<Type extends string, Data extends z.ZodType>(type: Type, data: Data) {
  return z.looseObject({
    eventType: z.literal(type),
    callId: z.string().min(1).max(200),
    /** ISO 8601. */
    timestamp: z.string().optional(),
    projectId: z.string().optional(),
    agentId: z.string().optional(),
    agentName: z.string().optional(),
    data: z.looseObject({ timestamp: z.string().optional(), data: data.optional() }).optional(),
  })
}

/** The documented envelope around the data of each of the five types, told apart by `eventType`. */
export const webhookEventSchema = z.discriminatedUnion('eventType', [
  eventSchema('call.started', callStartedDataSchema),
  eventSchema('call.answered', callAnsweredDataSchema),
  eventSchema('transcription.update', transcriptionUpdateDataSchema),
  eventSchema('tool.executed', toolExecutedDataSchema),
  eventSchema('call.ended', callEndedDataSchema),
])

export type WebhookEvent = z.infer<typeof webhookEventSchema>
export type CallStartedData = z.infer<typeof callStartedDataSchema>
export type CallAnsweredData = z.infer<typeof callAnsweredDataSchema>
export type TranscriptionUpdateData = z.infer<typeof transcriptionUpdateDataSchema>
export type ToolExecutedData = z.infer<typeof toolExecutedDataSchema>
export type CallEndedData = z.infer<typeof callEndedDataSchema>
