import {
  destinationId,
  epochLapsesMs,
  foldStretch,
  type Claim,
  type DestinationDefinition,
  type FoldRead,
  type Store,
  type StoredDestination,
} from '@hookswitch/core'
import { openPostgres } from '@hookswitch/store-sql'
import { queryPostgres } from '@hookswitch/testkit/postgres'
import { newEvent } from '@hookswitch/testkit/store-contract'
import { result, StoppingNode } from './stopping-node.ts'

/** An empty store and two nodes whose epochs live, for tests of what they may do to each other. */
export class Stage {
  readonly url: string
  readonly store: Store
  readonly a: StoppingNode
  readonly b: StoppingNode
  readonly #kept: { close(): Promise<void> }[]

  private constructor(url: string, store: Store, a: StoppingNode, b: StoppingNode) {
    this.url = url
    this.store = store
    this.a = a
    this.b = b
    this.#kept = [store, a, b]
  }

  static async set(url: string): Promise<Stage> {
    await queryPostgres(url, 'DROP SCHEMA IF EXISTS hookswitch CASCADE')
    const store = await openPostgres({ url })
    const stage = new Stage(url, store, await StoppingNode.open(url), await StoppingNode.open(url))
    for (const { epoch } of [stage.a, stage.b]) await store.beat(epoch)
    return stage
  }

  /** Closes what was opened, the last one first: pause points before those that wait at them. */
  async close(): Promise<void> {
    for (const one of this.#kept.splice(0).toReversed()) await one.close()
  }

  keep<T extends { close(): Promise<void> }>(one: T): T {
    this.#kept.push(one)
    return one
  }

  async addDestination(wanted: Partial<DestinationDefinition> = {}): Promise<StoredDestination> {
    const definition: DestinationDefinition = {
      name: 'one',
      kind: 'webhook',
      events: null,
      scope: { sources: null, agents: null },
      filter: null,
      template: null,
      lane: 'call',
      onExhausted: 'continue',
      retry: { preset: 'standard' },
      limits: { concurrency: 100, perSecond: null },
      settings: {},
      ...wanted,
    }
    const added = await this.store.addDestination({
      id: destinationId(),
      origin: 'api',
      definition,
      sealedSecrets: null,
    })
    if (added === null) throw new Error('the name is taken')
    return added
  }

  /** One event for each letter, which is its call; routed. */
  async receive(callIds: string): Promise<number[]> {
    const seqs = await this.append(callIds)
    await this.fold()
    return seqs
  }

  async append(callIds: string): Promise<number[]> {
    const appended = await this.store.append(callIds.split('').map((callId) => newEvent({ callId })))
    return appended.map(({ seq }) => seq)
  }

  async fold(): Promise<void> {
    if (!(await this.store.foldCommit(foldStretch(await this.foldRead())))) throw new Error('refused')
  }

  async foldRead(): Promise<FoldRead> {
    const read = await this.store.foldRead('node', 1_000, 1_000_000)
    if (read === null) throw new Error('another node has the turn')
    return read
  }

  /** Lets as much time pass for a node as takes its lanes away. */
  async lapse({ epoch }: StoppingNode): Promise<void> {
    await queryPostgres(this.url, `UPDATE hookswitch.nodes SET beat_at = beat_at - $1 WHERE epoch = $2`, [
      epochLapsesMs,
      epoch,
    ])
  }

  /** What must hold whenever nothing is under way; returns what does not. */
  async unsound(): Promise<string[]> {
    const found: string[] = []
    for (const [what, sql] of Object.entries(unsound)) {
      if ((await queryPostgres(this.url, sql)).length > 0) found.push(what)
    }
    return found
  }
}

const unsound: Readonly<Record<string, string>> = {
  'a delivery waits in no lane': `
      SELECT FROM hookswitch.deliveries d WHERE state = 'pending' AND NOT EXISTS (
        SELECT FROM hookswitch.lanes l WHERE l.destination_key = d.destination_key AND l.lane_key = d.lane_key)`,
  'an idle lane is there': `
      SELECT FROM hookswitch.lanes l WHERE NOT EXISTS (
        SELECT FROM hookswitch.deliveries d
        WHERE d.destination_key = l.destination_key AND d.lane_key = l.lane_key AND d.state = 'pending')`,
  'two deliveries have one position': `
      SELECT FROM hookswitch.deliveries WHERE state = 'pending'
      GROUP BY destination_key, lane_key, position HAVING count(*) > 1`,
  'a delivery waits for a destination that is gone': `
      SELECT FROM hookswitch.deliveries d WHERE state = 'pending' AND NOT EXISTS (
        SELECT FROM hookswitch.destinations WHERE key = d.destination_key)`,
  'attempts are counted wrongly': `
      SELECT FROM hookswitch.deliveries d
      WHERE attempts <> (SELECT count(*) FROM hookswitch.attempts a WHERE a.delivery_key = d.key)`,
}

export async function claimedOne(node: StoppingNode): Promise<Claim> {
  const [claim, ...others] = await node.claim()
  if (claim === undefined || others.length > 0) throw new Error('there is one lane to claim')
  return claim
}

/** Delivers what is claimed, and all that can be claimed then; returns the places of the events in their order. */
export async function deliverAll(node: StoppingNode, held: readonly Claim[] = []): Promise<number[]> {
  const made: number[] = []
  let claims = [...held, ...(await node.claim())]
  for (let round = 0; claims.length > 0; round += 1) {
    if (round === 1_000) throw new Error('there is still something to deliver after 1000 rounds')
    made.push(...claims.map(({ delivery }) => delivery.eventSeq))
    const answer = await node.work(claims.map((claim) => result(claim)))
    if (answer.written.includes(false)) throw new Error('a claim is not good')
    claims = answer.claims
  }
  return made
}
