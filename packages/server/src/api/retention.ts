import { createRoute, z } from '@hono/zod-openapi'
import { retentionCutoffs } from '@hookswitch/core'
import { errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { isoOrNull, isoTime } from './times.ts'

const keptSchema = z
  .object({
    days: z.number().nullable().openapi({ description: 'Null keeps it for good.', example: 30 }),
    removedBefore: isoTime.nullable().openapi({ description: 'What is older is removed.' }),
  })
  .openapi('Kept')

const route = createRoute({
  method: 'get',
  path: '/retention',
  summary: 'Show how long what is kept',
  description: 'As `retention` of the config file says.',
  responses: {
    200: jsonAnswer(
      'Each class of data.',
      z
        .object({ attempts: keptSchema, transcripts: keptSchema, records: keptSchema, events: keptSchema })
        .openapi('Retention'),
    ),
    ...errorAnswers(),
  },
})

export function addRetentionRoute(
  app: ApiApp,
  { retention, clock }: Pick<ApiOptions, 'retention' | 'clock'>,
): void {
  app.openapi(route, (c) => {
    const { attemptsDays, transcriptsDays, recordsDays, eventsDays } = retention
    const { attempts, transcripts, records, events } = retentionCutoffs(retention, clock())
    return c.json(
      {
        attempts: { days: attemptsDays, removedBefore: isoOrNull(attempts) },
        transcripts: { days: transcriptsDays, removedBefore: isoOrNull(transcripts) },
        records: { days: recordsDays, removedBefore: isoOrNull(records) },
        events: { days: eventsDays, removedBefore: isoOrNull(events) },
      },
      200,
    )
  })
}
