import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import {
  destinationId,
  foldStretch,
  type Claim,
  type DestinationDefinition,
  type ListedDelivery,
  type NewDestination,
  type NewEvent,
  type ReplayFilter,
  type Store,
  type StoredDestination,
  type StoredLane,
  type StoredReplay,
  type TurnOutcome,
  type WorkAnswer,
  type WorkRequest,
  type WorkResult,
} from '@hookswitch/core'
import { newEvent, readStretch } from './samples.ts'

export const secondMs = 1_000
export const hourMs = 60 * 60 * 1_000
export const dayMs = 24 * hourMs

/** Further than any test lasts, so that what is due then is not due now, however slow the machine. */
export const muchLaterMs = 2 * hourMs

let definitions = 0

/** A destination unlike any other by name, whose lanes are the calls. */
export function definition(wanted: Partial<DestinationDefinition> = {}): DestinationDefinition {
  definitions += 1
  return {
    name: `destination-${definitions}`,
    kind: 'webhook',
    events: null,
    scope: { sources: null, agents: null },
    filter: null,
    template: null,
    lane: 'call',
    onExhausted: 'continue',
    retry: { preset: 'standard' },
    limits: { concurrency: 100, perSecond: null },
    settings: { url: 'https://example.com/hook' },
    ...wanted,
  }
}

export function newDestination(wanted: Partial<DestinationDefinition> = {}): NewDestination {
  return { id: destinationId(), origin: 'api', definition: definition(wanted), sealedSecrets: null }
}

export async function addDestination(
  store: Store,
  wanted: Partial<DestinationDefinition> = {},
): Promise<StoredDestination> {
  const added = await store.addDestination(newDestination(wanted))
  if (added === null) throw new Error('the name of the sample is taken')
  return added
}

/** As it is now. */
export async function destinationNow(store: Store, { id }: { id: string }): Promise<StoredDestination> {
  const found = (await store.listDestinations()).find((destination) => destination.id === id)
  if (found === undefined) throw new Error(`destination ${id} is gone`)
  return found
}

/** Changes its definition, the name left as it is. */
export async function redefine(
  store: Store,
  destination: StoredDestination,
  wanted: Partial<DestinationDefinition>,
): Promise<StoredDestination> {
  const { id, version, definition: present, sealedSecrets } = destination
  const changed = await store.changeDestination(id, version, {
    definition: { ...present, ...wanted },
    sealedSecrets,
  })
  if (typeof changed === 'string') throw new Error(`the change was refused: ${changed}`)
  return changed
}

/** Appends the events and folds them; where a text is given, one event for each letter, which is the id of its call. */
export async function receive(
  store: Store,
  events: string | readonly Partial<NewEvent>[],
): Promise<number[]> {
  const wanted = typeof events === 'string' ? events.split('').map((callId) => ({ callId })) : events
  const appended = await store.append(wanted.map((event) => newEvent(event)))
  await fold(store)
  return appended.map(({ seq }) => seq)
}

/** Folds and routes the whole log, as a node does. */
export async function fold(store: Store): Promise<void> {
  for (;;) {
    const read = await readStretch(store)
    if (read.events.length === 0) return
    if (!(await store.foldCommit(foldStretch(read)))) throw new Error('another node has folded')
  }
}

/** What a node does with its epoch. */
export class Worker {
  readonly epoch = randomBytes(9).toString('base64url')
  readonly #store: Store

  private constructor(store: Store) {
    this.#store = store
  }

  static async start(store: Store): Promise<Worker> {
    const worker = new Worker(store)
    expect(await worker.beat()).toBe(true)
    return worker
  }

  beat(): Promise<boolean> {
    return this.#store.beat(this.epoch)
  }

  /** Claims what is to be had, without a result. */
  async claim(room: Partial<Room> = {}): Promise<Claim[]> {
    const { alive, claims } = await this.work([], room)
    expect(alive).toBe(true)
    return claims
  }

  /** The only lane that is to be had. */
  async claimOne(): Promise<Claim> {
    const claims = await this.claim()
    expect(claims).toHaveLength(1)
    return claims[0] as Claim
  }

  /** Writes results, all of which must be taken, and returns what is claimed with that. */
  async finish(results: WorkResult | readonly WorkResult[], room: Partial<Room> = {}): Promise<Claim[]> {
    const list = 'claim' in results ? [results] : results
    const { alive, written, claims } = await this.work(list, room)
    expect({ alive, written }).toEqual({ alive: true, written: list.map(() => true) })
    return claims
  }

  work(results: readonly WorkResult[], room: Partial<Room> = {}): Promise<WorkAnswer> {
    return this.#store.work({
      epoch: this.epoch,
      results,
      lanesMax: 1_000,
      lanesPerDestinationMax: 1_000,
      ...room,
    })
  }
}

export type Room = Pick<WorkRequest, 'lanesMax' | 'lanesPerDestinationMax'>

export const delivered: TurnOutcome = { kind: 'delivered' }
export const filtered: TurnOutcome = { kind: 'filtered', reason: 'the filter said no' }
export const dead: TurnOutcome = { kind: 'dead', reason: 'answered 422' }
export const returned: TurnOutcome = { kind: 'returned', delayMs: 0 }

export function retryAfter(delayMs: number, holdMs: number | null = null): TurnOutcome {
  return { kind: 'retry', delayMs, reason: 'answered 503', holdMs }
}

export function refused(hold: 'auth' | 'gone'): TurnOutcome & { kind: 'held' } {
  return { kind: 'held', hold, reason: hold === 'auth' ? 'answered 401' : 'answered 410' }
}

/** What a worker tells of its claim, with the attempt that goes with the outcome. */
export function result(
  claim: Claim,
  outcome: TurnOutcome,
  rest: Partial<Pick<WorkResult, 'wantsNext' | 'attempt'>> = {},
): WorkResult {
  const { laneKey, claim: number, delivery } = claim
  return {
    laneKey,
    claim: number,
    deliveryKey: delivery.key,
    outcome,
    attempt: attemptOf(outcome),
    wantsNext: false,
    ...rest,
  }
}

export function attempt(
  wanted: Partial<NonNullable<WorkResult['attempt']>> = {},
): NonNullable<WorkResult['attempt']> {
  return {
    verdict: 'delivered',
    status: 200,
    cause: null,
    message: null,
    durationMs: 12,
    node: 'node-1',
    request: null,
    response: null,
    ...wanted,
  }
}

function attemptOf(outcome: TurnOutcome): WorkResult['attempt'] {
  if (outcome.kind === 'filtered' || outcome.kind === 'returned') return null
  if (outcome.kind === 'retry') return attempt({ verdict: 'retry', status: 503 })
  if (outcome.kind === 'dead') return attempt({ verdict: 'reject', status: 422 })
  if (outcome.kind === 'delivered') return attempt()
  return attempt({ verdict: outcome.hold, status: outcome.hold === 'auth' ? 401 : 410 })
}

/** More rounds than any case has deliveries. */
const roundsMax = 2_000

/** Delivers all that can be delivered now, and returns the claims in the order in which they came. */
export async function deliverAll(worker: Worker, held: readonly Claim[] = []): Promise<Claim[]> {
  const made: Claim[] = []
  let claims = held.length === 0 ? await worker.claim() : held
  for (let round = 0; claims.length > 0; round += 1) {
    if (round > roundsMax) throw new Error(`there is still something to deliver after ${roundsMax} rounds`)
    made.push(...claims)
    claims = await worker.finish(claims.map((claim) => result(claim, delivered, { wantsNext: true })))
  }
  return made
}

/** The events that were delivered, lane by lane. */
export function byLane(claims: readonly Claim[]): Record<string, number[]> {
  const lanes: Record<string, number[]> = {}
  for (const { destinationKey, delivery } of claims) {
    ;(lanes[`${destinationKey} ${delivery.laneKey}`] ??= []).push(delivery.eventSeq)
  }
  return lanes
}

export function seqsOf(claims: readonly Claim[]): number[] {
  return claims.map(({ delivery }) => delivery.eventSeq)
}

/** Begins a replay of what matches now, as whoever asks for one does. */
export async function beginReplay(
  store: Store,
  destinationKey: number,
  filter: ReplayFilter,
): Promise<StoredReplay> {
  const matched = await store.matchReplay({ destinationKey, filter, totalMax: 1_000 })
  if ('tooMany' in matched) throw new Error(`${matched.tooMany} events are more than the sample has`)
  return store.addReplay({ destinationKey, filter, ...matched })
}

/** All deliveries, oldest first. */
export async function allDeliveries(store: Store): Promise<ListedDelivery[]> {
  return (await store.listDeliveries({ before: null, limit: 10_000 })).toReversed()
}

export async function statesOf(store: Store): Promise<string[]> {
  return (await allDeliveries(store)).map(({ state }) => state)
}

export function allLanes(store: Store): Promise<StoredLane[]> {
  return store.listLanes({ after: 0, limit: 10_000 })
}

/** The one lane there is. */
export async function onlyLane(store: Store): Promise<StoredLane> {
  const lanes = await allLanes(store)
  expect(lanes).toHaveLength(1)
  return lanes[0] as StoredLane
}

export async function deliveryNow(store: Store, key: number): Promise<ListedDelivery> {
  const found = await store.getDelivery(key)
  if (found === null) throw new Error(`delivery ${key} is gone`)
  return found.delivery
}

export function pause(store: Store, { id }: { id: string }): Promise<StoredDestination | null> {
  return store.holdDestination(id, { reason: 'paused', until: null, detail: null })
}

export function resume(store: Store, { id }: { id: string }): Promise<StoredDestination | null> {
  return store.holdDestination(id, null)
}

/** A lane of a destination that parks, parked; with as many deliveries in it as `callIds` has letters. */
export async function parkedLane(
  store: Store,
  worker: Worker,
  callIds = 'a',
): Promise<{ destination: StoredDestination; lane: StoredLane; seqs: number[] }> {
  const destination = await addDestination(store, { onExhausted: 'park' })
  const seqs = await receive(store, callIds)
  expect(await worker.finish(result(await worker.claimOne(), dead))).toEqual([])
  return { destination, lane: await onlyLane(store), seqs }
}
