import { randomBytes, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import {
  destinationId,
  eventId,
  foldStretch,
  type Claim,
  type DestinationDefinition,
  type NewEvent,
  type Store,
  type WorkResult,
} from '@hookswitch/core'
import { openPostgres, openSqlite } from '@hookswitch/store-sql'
import { queryPostgres } from '@hookswitch/testkit/postgres'
import type { Bench } from '../bench.ts'
import { fillPostgres, fillSqlite, type Filling, type FillingOf } from '../fill.ts'
import { Histogram, type Percentiles } from '../load/histogram.ts'
import { percentilesText, type Outcome } from '../outcome.ts'
import { PeerAbsent, startPostgres } from '../peers/start.ts'

const factorMax = 1.2
/** Lanes of one call of the store: their results are written, and as many are claimed. */
const lanesPerCall = 32
/** Calls that are measured, and those before, in which statements are prepared and caches are filled. */
const calls = 250
const warmUpCalls = 50
/** An epoch lapses after 10 s. */
const callsPerBeat = 25
/** As a node folds. */
const stretchEvents = 256
const stretchBytes = 1 << 20
/** Filling PostgreSQL takes several times as long. */
const postgresShare = 0.1

/** Whether what a store has gathered makes a claim slower, at the store itself, with nothing around it. */
export async function claims(bench: Bench): Promise<Outcome> {
  const { events } = bench.options
  const filling: Filling = { delivered: events, parked: events / 10, due: events / 10 }
  const sqlite = await compare(bench, 'SQLite', filling, await sqliteStores(bench))
  let postgres: Comparison | null = null
  let absent: string | null = null
  try {
    const less = scaled(filling, postgresShare)
    const server = await startPostgres(bench)
    try {
      postgres = await compare(bench, 'PostgreSQL', less, await postgresStores(server.url))
    } finally {
      await server.stop()
    }
  } catch (error) {
    if (!(error instanceof PeerAbsent)) throw error
    absent = error.message
  }
  const factors = [sqlite, ...(postgres === null ? [] : [postgres])].map(({ factor }) => factor)
  return {
    row: 'claims',
    state: 'measured',
    budget: `≤ ${factorMax} × of an empty store`,
    measured:
      `${sqlite.factor.toFixed(2)} × on SQLite, ` +
      (postgres === null ? 'PostgreSQL skipped' : `${postgres.factor.toFixed(2)} × on PostgreSQL`),
    met: factors.every((factor) => factor <= factorMax),
    details: [...sqlite.details, ...(postgres?.details ?? []), ...(absent === null ? [] : [absent])],
    figures: { factorMax, sqlite, postgres },
  }
}

function scaled({ delivered, parked, due }: Filling, share: number): Filling {
  const part = (rows: number): number => Math.max(1, Math.round(rows * share))
  return { delivered: part(delivered), parked: part(parked), due: part(due) }
}

/** Two new stores of one engine, and what fills the second. */
interface Stores {
  empty: Store
  filled: Store
  fill(filling: Filling, of: FillingOf): Promise<void>
}

async function sqliteStores(bench: Bench): Promise<Stores> {
  const folderOf = (name: string): string => join(bench.folder, `claims-${name}`)
  return {
    empty: await openSqlite({ folder: folderOf('empty') }),
    filled: await openSqlite({ folder: folderOf('filled') }),
    fill: (filling, of) => fillSqlite(join(folderOf('filled'), 'hookswitch.db'), filling, of),
  }
}

async function postgresStores(url: string): Promise<Stores> {
  await queryPostgres(url, 'CREATE DATABASE filled')
  const filledUrl = Object.assign(new URL(url), { pathname: '/filled' }).href
  return {
    empty: await openPostgres({ url }),
    filled: await openPostgres({ url: filledUrl }),
    fill: (filling, of) => fillPostgres(filledUrl, filling, of),
  }
}

interface Comparison {
  /** Of the medians. */
  factor: number
  empty: Percentiles
  filled: Percentiles
  details: string[]
}

async function compare(
  bench: Bench,
  engine: string,
  filling: Filling,
  { empty, filled, fill }: Stores,
): Promise<Comparison> {
  try {
    const nodes = [await ClaimingNode.start(empty), await ClaimingNode.start(filled)] as const
    const count = (rows: number): string => rows.toLocaleString('en-US')
    const rows = `${count(filling.delivered)} delivered, ${count(filling.parked)} parked, ${count(filling.due)} held`
    bench.say(`claims: filling ${engine}: ${rows}`)
    await fill(filling, nodes[1].keys)
    for (const node of nodes) await node.receive((warmUpCalls + calls + 1) * lanesPerCall)
    bench.say(`claims: ${calls} calls for ${lanesPerCall} lanes of both stores in turn`)
    for (let call = 0; call < warmUpCalls + calls; call++) {
      // In turn, so that whatever else the machine does falls on both, and neither is always the second.
      for (const node of call % 2 === 0 ? nodes : nodes.toReversed())
        await node.work(call, call >= warmUpCalls)
      // The store works in this thread: between two calls signals are heard.
      await setImmediate()
    }
    const [ofEmpty, ofFilled] = [nodes[0].took.summary(), nodes[1].took.summary()]
    return {
      factor: ofFilled.p50 / ofEmpty.p50,
      empty: ofEmpty,
      filled: ofFilled,
      details: [
        `${engine}, ${lanesPerCall} results and claims a call: empty ${percentilesText(ofEmpty)}`,
        `${engine} with ${rows}: ${percentilesText(ofFilled)}`,
      ],
    }
  } finally {
    await empty.close()
    await filled.close()
  }
}

/** What a node does with a store, without a destination: it claims lanes, and says of each that it was delivered. */
class ClaimingNode {
  readonly took = new Histogram()
  readonly keys: FillingOf
  readonly #store: Store
  readonly #epoch = randomUUID()
  #claims: readonly Claim[] = []

  private constructor(store: Store, keys: FillingOf) {
    this.#store = store
    this.keys = keys
  }

  /** With two destinations, of which the one that is asked about first is held. */
  static async start(store: Store): Promise<ClaimingNode> {
    const add = async (name: string, type: string): Promise<{ key: number; id: string }> => {
      const added = await store.addDestination({
        id: destinationId(),
        origin: 'api',
        definition: definition(name, type),
        sealedSecrets: null,
      })
      if (added === null) throw new Error(`There is a destination ${name} in a new store.`)
      return added
    }
    const held = await add('held', 'call.started')
    await store.holdDestination(held.id, { reason: 'paused', until: null, detail: null })
    const { key: destinationKey } = await add('delivered-to', 'call.ended')
    return new ClaimingNode(store, { destinationKey, heldKey: held.key })
  }

  /** As many events of as many calls, folded: each makes a lane that is due. */
  async receive(events: number): Promise<void> {
    for (let left = events; left > 0; left -= stretchEvents) {
      await this.#store.append(Array.from({ length: Math.min(left, stretchEvents) }, newEvent))
      const read = await this.#store.foldRead('bench', stretchEvents, stretchBytes)
      if (read === null || !(await this.#store.foldCommit(foldStretch(read))))
        throw new Error('Somebody else folds.')
    }
  }

  async work(call: number, counts: boolean): Promise<void> {
    if (call % callsPerBeat === 0 && !(await this.#store.beat(this.#epoch)))
      throw new Error('The epoch has lapsed.')
    const started = performance.now()
    const answer = await this.#store.work({
      epoch: this.#epoch,
      results: this.#claims.map(deliveredResult),
      lanesMax: lanesPerCall,
      lanesPerDestinationMax: lanesPerCall,
    })
    if (counts) this.took.record((performance.now() - started) * 1000)
    const isRight =
      answer.alive &&
      answer.written.every(Boolean) &&
      answer.claims.length === lanesPerCall &&
      answer.claims.every(({ destinationKey }) => destinationKey === this.keys.destinationKey)
    if (!isRight) throw new Error(`The store gave ${answer.claims.length} lanes, and not those that are due.`)
    this.#claims = answer.claims
  }
}

function deliveredResult({ laneKey, claim, delivery }: Claim): WorkResult {
  return {
    laneKey,
    claim,
    deliveryKey: delivery.key,
    outcome: { kind: 'delivered' },
    attempt: {
      verdict: 'delivered',
      status: 200,
      cause: null,
      message: null,
      durationMs: 5,
      node: 'bench',
      request: null,
      response: null,
    },
    wantsNext: true,
  }
}

function definition(name: string, type: string): DestinationDefinition {
  return {
    name,
    kind: 'webhook',
    events: [type],
    scope: { sources: null, agents: null },
    filter: null,
    template: null,
    lane: 'call',
    onExhausted: 'continue',
    retry: { preset: 'standard' },
    limits: { concurrency: 1_000, perSecond: null },
    settings: { url: 'https://example.com/hook' },
  }
}

function newEvent(): NewEvent {
  const callId = randomUUID()
  const now = Date.now()
  return {
    id: eventId(now),
    source: 'hamsa',
    callId,
    type: 'call.ended',
    dialect: 'v1',
    occurredAt: now,
    receivedAt: now,
    content: randomBytes(16),
    body: Buffer.from(JSON.stringify({ eventType: 'call.ended', callId, data: {} })),
  }
}
