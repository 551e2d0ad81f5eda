import {
  epochLapsesMs,
  holdAt,
  type Claim,
  type DestinationFlow,
  type StoredDelivery,
  type StoredEvent,
  type WorkAnswer,
  type WorkRequest,
} from '@hookswitch/core'
import { storedDelivery, type DeliveryRow } from '../delivery-rows.ts'
import { storedEvent, type EventRow } from '../rows.ts'
import type { Query, Transaction } from './connections.ts'
import type { DeliveryTerms } from './destinations.ts'
import { eventColumns } from './events.ts'
import { storableText } from './text.ts'
import {
  planWork,
  sooner,
  type FreeLane,
  type HeldLane,
  type LockedDestination,
  type WorkPlan,
  type WorkRead,
} from './work-plan.ts'

/** What was to be taken and is held by others is looked at again after this: they need not say when they give up. */
const heldByOthersMs = 20

/**
 * Writes results and claims lanes. Where there is nothing to do it is one statement without a lock; otherwise two
 * more in a transaction, however many results and claims there are.
 *
 * `leftForOthers`: something is due that this node has no room for.
 */
export async function work(
  query: Query,
  transaction: Transaction,
  request: WorkRequest,
): Promise<{ answer: WorkAnswer; leftForOthers: boolean }> {
  const { epoch, results } = request
  const look = await lookForWork(query, epoch)
  if (!look.alive) return lapsed(request)
  const due: number[] = []
  let waitMs: number | null = null
  for (const { key, flow, dueAt } of look.destinations) {
    const until = holdAt(flow, look.now)?.until
    if (until === null) continue
    const nextAt = Math.max(dueAt, until ?? 0)
    if (nextAt <= look.now) due.push(key)
    else waitMs = sooner(waitMs, nextAt - look.now)
  }
  if (results.length === 0 && due.length === 0) {
    return { answer: { alive: true, written: [], claims: [], waitMs }, leftForOthers: false }
  }
  return transaction(async (inTransaction) => {
    const read = await lockWork(inTransaction, request, due)
    if (read === null) return lapsed(request)
    const plan = planWork(request, read)
    const claims = await writeWork(inTransaction, epoch, plan, read)
    waitMs = sooner(waitMs, plan.waitMs)
    const locked = new Set(read.destinations.map(({ key }) => key))
    if (!due.every((key) => locked.has(key)) || claims.length < plan.kept.length + plan.taken.length) {
      waitMs = sooner(waitMs, heldByOthersMs)
    }
    return {
      answer: { alive: true, written: plan.written, claims, waitMs },
      leftForOthers: plan.leftForOthers,
    }
  })
}

function lapsed({ results }: WorkRequest): Awaited<ReturnType<typeof work>> {
  const written = results.map(() => false)
  return { answer: { alive: false, written, claims: [], waitMs: null }, leftForOthers: false }
}

interface Look {
  alive: boolean
  now: number
  /** Those that have lanes which nobody works on. */
  destinations: { key: number; flow: DestinationFlow; dueAt: number }[]
}

async function lookForWork(query: Query, epoch: string): Promise<Look> {
  const [row] = await query<{
    alive: boolean
    now_ms: number
    destinations: { key: number; flow: string; dueAt: number }[] | null
  }>(`SELECT * FROM hookswitch.look_for_work($1, $2)`, [epoch, epochLapsesMs])
  return {
    alive: row?.alive === true,
    now: row?.now_ms ?? 0,
    destinations: (row?.destinations ?? []).map((destination) => ({
      ...destination,
      flow: JSON.parse(destination.flow) as DestinationFlow,
    })),
  }
}

/** Null where the epoch has lapsed. */
async function lockWork(
  query: Query,
  { epoch, results, lanesMax, lanesPerDestinationMax }: WorkRequest,
  due: readonly number[],
): Promise<WorkRead | null> {
  const [row] = await query<LockedRow>(`SELECT * FROM hookswitch.lock_work($1, $2, $3, $4, $5, $6)`, [
    epoch,
    epochLapsesMs,
    results.map(({ laneKey }) => laneKey),
    results.map(({ deliveryKey }) => deliveryKey),
    due,
    // One more than can be taken, which says when the next one is due.
    Math.min(lanesPerDestinationMax, Math.max(lanesMax, 1)) + 1,
  ])
  if (row === undefined) return null
  return {
    now: row.now_ms,
    destinations: (row.destinations ?? []).map((destination) => ({
      ...destination,
      terms: JSON.parse(destination.terms) as DeliveryTerms,
      flow: JSON.parse(destination.flow) as DestinationFlow,
    })),
    held: (row.held ?? []).map((lane) => ({ ...lane, pending: (lane.pending ?? []).map(storedDelivery) })),
    ended: (row.ended ?? []).map(storedDelivery),
    free: row.free ?? [],
  }
}

/** What is under lock. Lists without entries are null. */
interface LockedRow {
  now_ms: number
  destinations: (Omit<LockedDestination, 'terms' | 'flow'> & { terms: string; flow: string })[] | null
  held: (Omit<HeldLane, 'pending'> & { pending: DeliveryRow[] | null })[] | null
  ended: DeliveryRow[] | null
  free: FreeLane[] | null
}

async function writeWork(
  query: Query,
  epoch: string,
  plan: WorkPlan,
  { now, destinations }: WorkRead,
): Promise<Claim[]> {
  const { deliveries, attempts, lanes, flows } = plan
  const rows = await query<{ lane: number; claim: number; head_attempts: number; delivery: DeliveryRow }>(
    `SELECT * FROM hookswitch.write_work($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
       $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)`,
    [
      epoch,
      now,
      deliveries.map(({ key }) => key),
      deliveries.map(({ state }) => state),
      deliveries.map(({ reason }) => nullableText(reason)),
      deliveries.map((delivery) => delivery.attempts),
      attempts.map((attempt) => attempt.delivery_key),
      attempts.map(({ number }) => number),
      attempts.map((attempt) => attempt.started_at),
      attempts.map((attempt) => attempt.duration_ms),
      attempts.map(({ verdict }) => verdict),
      attempts.map(({ status }) => status),
      attempts.map(({ cause }) => cause),
      attempts.map(({ message }) => nullableText(message)),
      attempts.map(({ node }) => storableText(node)),
      attempts.map(({ request }) => request),
      attempts.map(({ response }) => response),
      lanes.map(({ key }) => key),
      lanes.map(({ state }) => state),
      lanes.map(({ dueAt }) => dueAt),
      lanes.map(({ headAttempts }) => headAttempts),
      lanes.map(({ kept }) => kept),
      lanes.map(({ reason }) => nullableText(reason)),
      plan.empty,
      flows.map(({ key }) => key),
      flows.map(({ flow }) => JSON.stringify(flow)),
      plan.taken.map(({ key }) => key),
    ],
  )
  const versions = new Map(destinations.map(({ key, version }) => [key, version]))
  const claimOf = (
    delivery: StoredDelivery,
    rest: Pick<Claim, 'laneKey' | 'claim' | 'continued' | 'headAttempts'>,
  ): Claim => ({
    ...rest,
    destinationKey: delivery.destinationKey,
    destinationVersion: versions.get(delivery.destinationKey) ?? 0,
    delivery,
  })
  return [
    ...plan.kept.map(({ lane, delivery }) =>
      claimOf(delivery, { laneKey: lane.key, claim: lane.claim + 1, continued: true, headAttempts: 0 }),
    ),
    ...rows.map((row) =>
      claimOf(storedDelivery(row.delivery), {
        laneKey: row.lane,
        claim: row.claim,
        continued: false,
        headAttempts: row.head_attempts,
      }),
    ),
  ]
}

function nullableText(text: string | null): string | null {
  return text === null ? null : storableText(text)
}

/** The events of these places, as far as they are there. */
export async function eventsAt(query: Query, seqs: readonly number[]): Promise<StoredEvent[]> {
  const rows = await query<EventRow>(`SELECT ${eventColumns} FROM hookswitch.events WHERE seq = ANY ($1)`, [
    seqs,
  ])
  return rows.map(storedEvent)
}
