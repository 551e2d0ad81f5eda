import { createRoute, z } from '@hono/zod-openapi'
import { explainEvent, type ExplainedDelivery, type Explanation, type ListedDelivery } from '@hookswitch/core'
import { errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { attemptSchema, shownAttempt } from './attempt-json.ts'
import { deliverySchema, shownDelivery } from './delivery-json.ts'
import { holdSchema, namedDestinationSchema, shownHold } from './destination-json.ts'
import { findDestinationKey } from './destination-list.ts'
import { ApiError } from './errors.ts'
import { deliveryId, laneId } from './keyed-id.ts'
import { parameters, textFilter } from './parameters.ts'
import { iso, isoOrNull, isoTime } from './times.ts'

const states = [
  'delivered',
  'filtered',
  'dead',
  'skipped',
  'pending',
  'retrying',
  'parked',
  'held',
  'behind',
  'not_subscribed',
  'out_of_scope',
  'not_there_yet',
  'not_routed_yet',
  'not_kept',
] as const

const explanationSchema = z
  .object({
    destination: namedDestinationSchema,
    state: z.enum(states),
    sentence: z.string().openapi({
      description: 'For people.',
      example: 'Waiting: 3 tries have failed (last: 503 after 120 ms), the next is at 12:00:05Z.',
    }),
    delivery: deliverySchema
      .nullable()
      .openapi({ description: 'The latest delivery of the event there; null where none is known.' }),
    lastAttempt: attemptSchema.nullable(),
    hold: holdSchema.nullable().openapi({ description: 'What keeps the destination from being sent to.' }),
    behind: z
      .object({
        delivery: z.string().openapi({ example: 'dlv_1041' }),
        eventId: z.string().nullable(),
        lane: z.string().openapi({ example: 'lane_7' }),
        laneState: z.enum(['running', 'parked']),
        parkedAt: isoTime.nullable(),
        parkedReason: z.string().nullable(),
      })
      .nullable()
      .openapi({ description: 'The delivery of the same lane that comes first.' }),
    nextAttemptAt: isoTime.nullable(),
    routedBy: z
      .object({ version: z.int(), since: isoTime })
      .nullable()
      .openapi({ description: 'The version of the destination that decided, where no delivery was made.' }),
  })
  .openapi('Explanation')

const route = createRoute({
  method: 'get',
  path: '/events/{id}/explain',
  summary: 'Explain what became of an event',
  description:
    'For each destination: whether the event was sent there, what it waits for, or why it was not sent, by the settings of that time. The webhooks of other agents are left out unless they are asked for.',
  request: {
    params: z.object({ id: z.string().openapi({ example: 'evt_01m812c3npnwhxm7s3kfwmg6x2' }) }),
    query: parameters({
      destination: textFilter('Only this one, by id or name, also one that was removed.', 'crm'),
    }),
  },
  responses: {
    200: jsonAnswer(
      'An answer of every destination.',
      z
        .object({
          eventId: z.string(),
          callId: z.string(),
          type: z.string(),
          seq: z.int(),
          folded: z.boolean().openapi({ description: 'It is in the record of its call, and is routed.' }),
          destinations: z.array(explanationSchema),
        })
        .openapi('ExplainedEvent'),
    ),
    ...errorAnswers('invalid_request', 'not_found'),
  },
})

export function addExplainRoute(app: ApiApp, { store, clock }: Pick<ApiOptions, 'store' | 'clock'>): void {
  app.openapi(route, async (c) => {
    const event = await store.getEvent(c.req.valid('param').id)
    if (event === null) throw new ApiError('not_found', 'No event has this id')
    const { id: eventId, callId, type, seq } = event
    const { destination } = c.req.valid('query')
    const destinationKey = destination === undefined ? null : await findDestinationKey(store, destination)
    // Before the deliveries: an event that is routed in between has some, and is not taken for left out.
    const folded = (await store.logBounds()).foldedSeq >= seq
    const [call, versions, destinations, deliveries] = await Promise.all([
      store.getCall(callId),
      store.destinationVersions(seq),
      store.listDestinations(),
      store.deliveriesOfEvent(seq),
    ])
    const explanations = explainEvent({
      event,
      folded,
      agentId: call?.head.agentId?.value ?? null,
      versions,
      deliveries: await Promise.all(latestOf(deliveries).map(withCircumstances)),
      destinations,
      destinationKey,
      now: clock(),
    })
    return c.json({ eventId, callId, type, seq, folded, destinations: explanations.map(shown) }, 200)
  })

  async function withCircumstances(delivery: ListedDelivery): Promise<ExplainedDelivery> {
    const { key, lane } = delivery
    const own = delivery.attempts === 0 ? null : await store.getDelivery(key)
    const lanes = lane === null ? [] : await store.listLanes({ after: lane.key - 1, limit: 1 })
    const found = lanes.find((other) => other.key === lane?.key) ?? null
    const isBehind = found !== null && found.headDeliveryKey !== key
    const head = isBehind ? await store.getDelivery(found.headDeliveryKey) : null
    return {
      delivery,
      lastAttempt: own?.attempts.at(-1) ?? null,
      lane: found,
      head: head?.delivery ?? null,
    }
  }
}

/** Of each destination the one that was made last; an event may have been replayed often. */
function latestOf(deliveries: readonly ListedDelivery[]): ListedDelivery[] {
  const latest = new Map<number, ListedDelivery>()
  for (const delivery of deliveries) {
    const other = latest.get(delivery.destinationKey)
    if (other === undefined || other.key < delivery.key) latest.set(delivery.destinationKey, delivery)
  }
  return [...latest.values()]
}

function shown(explanation: Explanation): z.infer<typeof explanationSchema> {
  const { destination, state, sentence, delivery: explained, hold, nextAttemptAt, routedBy } = explanation
  const { delivery = null, lastAttempt = null, lane = null, head = null } = explained ?? {}
  return {
    destination,
    state,
    sentence,
    delivery:
      delivery === null ? null : shownDelivery(delivery, () => ({ ...destination, held: hold !== null })),
    lastAttempt: lastAttempt === null ? null : shownAttempt(lastAttempt),
    hold: hold === null ? null : shownHold(hold),
    behind:
      head === null || lane === null
        ? null
        : {
            delivery: deliveryId(head.key),
            eventId: head.eventId,
            lane: laneId(lane.key),
            laneState: lane.state,
            parkedAt: isoOrNull(lane.parkedAt),
            parkedReason: lane.parkedReason,
          },
    nextAttemptAt: isoOrNull(nextAttemptAt),
    routedBy: routedBy === null ? null : { version: routedBy.version, since: iso(routedBy.at) },
  }
}
