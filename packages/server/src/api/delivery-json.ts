import { z } from '@hono/zod-openapi'
import type { ListedDelivery, StoredAttempt } from '@hookswitch/core'
import { deliveryAttemptSchema, shownDeliveryAttempt } from './attempt-json.ts'
import { namedDestinationSchema } from './destination-json.ts'
import type { DestinationByKey } from './destination-list.ts'
import { deliveryId, laneId, replayId } from './keyed-id.ts'
import { iso, isoOrNull, isoTime } from './times.ts'

export const deliveryStates = ['pending', 'delivered', 'filtered', 'dead', 'skipped'] as const
export const laneStates = ['running', 'parked'] as const

const deliveryFields = {
  id: z.string().openapi({ example: 'dlv_1042' }),
  destination: namedDestinationSchema,
  eventId: z.string().nullable().openapi({
    description: 'Null, like type and call, once the event was removed.',
    example: 'evt_01m812c3npnwhxm7s3kfwmg6x2',
  }),
  eventType: z.string().nullable().openapi({ example: 'call.ended' }),
  callId: z.string().nullable().openapi({ example: 'call_1' }),
  state: z.enum(deliveryStates),
  reason: z.string().nullable().openapi({ description: 'Why it is as it is.', example: 'answered 503' }),
  replay: z
    .string()
    .nullable()
    .openapi({ description: 'The replay that made it; null for the routing.', example: null }),
  lane: z
    .object({
      id: z.string().openapi({ example: 'lane_7' }),
      key: z.string().openapi({ description: 'What its deliveries have in common.', example: 'call:call_1' }),
      state: z.enum(laneStates),
      head: z.boolean().openapi({ description: 'Whether its turn has come.' }),
      nextAttemptAt: isoTime.nullable().openapi({
        description:
          'Null where another delivery, a person or the end of a hold comes first, or it is being sent.',
      }),
    })
    .nullable()
    .openapi({ description: 'Of a pending one.' }),
  createdAt: isoTime,
  finishedAt: isoTime.nullable(),
}

export const deliverySchema = z
  .object({
    ...deliveryFields,
    attempts: z.int().openapi({ description: 'Tries made so far.', example: 3 }),
  })
  .openapi('Delivery')

export const deliveryDetailSchema = z
  .object({
    ...deliveryFields,
    attempts: z
      .array(deliveryAttemptSchema)
      .openapi({ description: 'Those that are still kept, oldest first.' }),
  })
  .openapi('DeliveryDetail')

export function shownDelivery(
  delivery: ListedDelivery,
  destinationOf: DestinationByKey,
): z.infer<typeof deliverySchema> {
  return { ...fieldsOf(delivery, destinationOf), attempts: delivery.attempts }
}

export function shownDeliveryDetail(
  delivery: ListedDelivery,
  attempts: readonly StoredAttempt[],
  destinationOf: DestinationByKey,
): z.infer<typeof deliveryDetailSchema> {
  return { ...fieldsOf(delivery, destinationOf), attempts: attempts.map(shownDeliveryAttempt) }
}

function fieldsOf(delivery: ListedDelivery, destinationOf: DestinationByKey) {
  const { key, destinationKey, eventId, eventType, callId, state, reason, replayKey, lane, laneKey } =
    delivery
  const { id, name, held } = destinationOf(destinationKey)
  const waitsForItsTime = lane !== null && lane.isHead && lane.state === 'running' && !lane.claimed && !held
  return {
    id: deliveryId(key),
    destination: { id, name },
    eventId,
    eventType,
    callId,
    state,
    reason,
    replay: replayKey === null ? null : replayId(replayKey),
    lane:
      lane === null
        ? null
        : {
            id: laneId(lane.key),
            key: laneKey,
            state: lane.state,
            head: lane.isHead,
            nextAttemptAt: waitsForItsTime ? iso(lane.dueAt) : null,
          },
    createdAt: iso(delivery.createdAt),
    finishedAt: isoOrNull(delivery.finishedAt),
  }
}
