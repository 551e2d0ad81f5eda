// The wire shapes as the platform documents them, for validation in handlers, for forms and for OpenAPI. Receiving
// does not go through them: `readEnvelope` and `readFacts` take far more, and faster.
import { z } from 'zod'

/**
 * What a field rests on. `documented`: the platform's pages name it. `seen`: they do not, and programs that send or
 * receive its webhooks do. `chosen`: the pages tell of it without naming it, and the name here is that of the platform's
 * API or variables. docs/payloads.md is written from this.
 */
type RestsOn = 'documented' | 'seen' | 'chosen'

function field<Field extends z.ZodType>(restsOn: RestsOn, description: string, schema: Field): Field {
  return schema.meta({ description, restsOn })
}

const turnText = z.string().optional()

/** One turn of a transcript, `{"Agent":"…"}` or `{"User":"…"}`. */
export const turnSchema = z.looseObject({
  Agent: field('documented', 'What the agent said. A turn has this or `User`.', turnText),
  User: field('documented', 'What the caller said.', turnText),
})

export const callStartedDataSchema = z
  .looseObject({
    conversationId: field('chosen', 'The id of the conversation.', z.string().nullish()),
    direction: field('chosen', '`inbound` or `outbound`.', z.string().nullish()),
    userNumber: field('chosen', 'The number of the caller, or of who is called.', z.string().nullish()),
    agentNumber: field('chosen', 'The number of the agent.', z.string().nullish()),
    params: field(
      'seen',
      'The params that the call was started with. That they come is documented, under which name is not.',
      z.record(z.string(), z.unknown()).optional(),
    ),
  })
  .describe('The call begins. Documented as containing caller information, the time and the params.')

export const callAnsweredDataSchema = z
  .looseObject({})
  .describe('Somebody has answered. Documented as containing connection details and how long it rang.')

/** The platform documents no fields; these two are the forms that were seen, what is new or all so far. */
export const transcriptionUpdateDataSchema = z
  .looseObject({
    speaker: field('seen', 'Who said the new turn: `Agent` or `User`.', z.string().optional()),
    text: field('seen', 'The new turn.', z.string().optional()),
    transcription: field('seen', 'Or instead of both: all turns so far.', z.array(turnSchema).optional()),
  })
  .describe('Something was said. Documented as containing the text as it comes, and who speaks.')

export const toolExecutedDataSchema = z
  .looseObject({
    toolName: field('seen', 'Which tool.', z.string().optional()),
    input: field('seen', 'What the agent gave it.', z.unknown().optional()),
    output: field('seen', 'What came back.', z.unknown().optional()),
    success: field('seen', 'Whether it did what it was asked to.', z.boolean().optional()),
    duration: field('seen', 'Milliseconds.', z.number().optional()),
    error: field('seen', 'What went wrong, or `null`.', z.string().nullish()),
  })
  .describe('The agent has used a tool. Documented as containing its name, input, output and duration.')

export const callEndedDataSchema = z
  .looseObject({
    conversationId: field('documented', 'The id of the conversation.', z.string().nullish()),
    conversationRecording: field(
      'documented',
      'Where the recording is; a call may have none, or have it later.',
      z.string().nullish(),
    ),
    transcription: field('documented', 'All turns, in their order.', z.array(turnSchema).optional()),
    outcomeResult: field(
      'documented',
      "The params that the call was started with, and what the agent collected. `null` is what the caller did not say; what is not in the agent's configuration is absent.",
      z.record(z.string(), z.unknown()).optional(),
    ),
  })
  .describe('The call is over. The only type whose data the platform documents field by field.')

function eventSchema<Type extends string, Data extends z.ZodType>(type: Type, data: Data) {
  return z.looseObject({
    eventType: field('documented', 'Which of the five types it is.', z.literal(type)),
    callId: field(
      'documented',
      'The id of the call, the same in all of its events.',
      z.string().min(1).max(200),
    ),
    timestamp: field('documented', 'When it happened, ISO 8601.', z.string().optional()),
    projectId: field('documented', 'The project that the agent belongs to.', z.string().optional()),
    agentId: field('documented', 'The id of the agent.', z.string().optional()),
    agentName: field('documented', 'Its name.', z.string().optional()),
    data: field(
      'documented',
      'What is said of this type.',
      z
        .looseObject({
          timestamp: field('documented', 'When it happened, ISO 8601.', z.string().optional()),
          data: data.optional(),
        })
        .optional(),
    ),
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
