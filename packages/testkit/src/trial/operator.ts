import {
  holdAt,
  type DestinationDefinition,
  type Hold,
  type ListedDelivery,
  type Store,
  type StoredDestination,
  type StoredLane,
} from '@hookswitch/core'
import type { Chance } from './chance.ts'
import type { Disk } from './disk.ts'
import type { Deed } from './deed.ts'
import type { Peer } from './peers.ts'
import { drawDefinition, drawPeer, healthyName } from './scenario.ts'
import type { Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

export interface OperatorOptions {
  schedule: Schedule
  disk: Disk
  chance: Chance
  trace: Trace
  activeMs: number
  done: (deed: Deed) => void
  /** A destination that was made. */
  onAdded: (name: string, peer: Peer) => void
}

/** Destinations that are not removed; a trial with more takes long and shows nothing more. */
const destinationsMax = 7

const acts = {
  pause: 4,
  pauseAndChange: 2,
  resume: 8,
  change: 3,
  add: 1,
  remove: 0.7,
  leaveOut: 0.7,
  retry: 12,
  skip: 3,
  resumeLane: 6,
  skipLaneHead: 4,
  replay: 3,
  cancelReplay: 0.5,
}

/** A person, who looks at what there is and then does something about it: by then it may be otherwise. */
export class Operator {
  readonly #options: OperatorOptions
  #made = 0

  constructor(options: OperatorOptions) {
    this.#options = options
  }

  /** One thing at random. */
  async act(): Promise<void> {
    const { chance, trace } = this.#options
    const act = chance.weighted(acts)
    const answer = await this.#acts[act]()
    if (answer === null) return
    trace.note('operator', `${act} ${answer}`)
    trace.count(`operator ${act}`)
  }

  async add(definition: DestinationDefinition, peer: Peer): Promise<void> {
    this.#options.onAdded(definition.name, peer)
    this.#made += 1
    const made = { id: `dst_${this.#made}`, origin: 'api' as const, definition, sealedSecrets: null }
    await this.#ask(
      (store) => store.addDestination(made),
      (stored) => (stored === null ? null : { kind: 'destination', stored, act: 'added' }),
    )
  }

  /** Ends all holds, resumes or passes over parked lanes, and does not wait long for what is tried much later. */
  async tidy(hurries: boolean): Promise<void> {
    const { chance, schedule, trace } = this.#options
    for (const destination of await this.#destinations()) {
      const hold = holdAt(destination.flow, schedule.now)
      if (hold !== null && hold.until === null) await this.#hold(destination, null)
    }
    for (const lane of await this.#lanes('parked')) {
      await (chance.happens(0.5) ? this.#resumeLane(lane) : this.#skipLaneHead(lane))
    }
    if (!hurries) return
    for (const lane of await this.#lanes('running')) {
      if (lane.dueAt - schedule.now < 30_000) continue
      const delivery = (await this.#look((store) => store.getDelivery(lane.headDeliveryKey)))?.delivery
      if (delivery !== undefined) await this.#retry(delivery)
      trace.count('operator hurries')
    }
  }

  readonly #acts: Record<keyof typeof acts, () => Promise<string | null>> = {
    pause: () =>
      this.#onDestination(async (destination) => {
        const detail = 'paused by hand'
        return this.#hold(destination, { reason: 'paused', until: null, detail })
      }),
    pauseAndChange: () =>
      this.#onDestination(async (destination) => {
        await this.#hold(destination, { reason: 'paused', until: null, detail: 'paused by hand' })
        // What was under way at the pause may still say something about the destination.
        await this.#options.schedule.wait(this.#options.chance.between(0, 5_000))
        return this.#change(destination)
      }),
    resume: () =>
      this.#onDestination(async (destination) =>
        destination.flow.hold === null ? null : this.#hold(destination, null),
      ),
    leaveOut: () =>
      this.#onDestination((destination) =>
        this.#hold(destination, { reason: 'removed', until: null, detail: 'not in the config any more' }),
      ),
    change: () => this.#onDestination((destination) => this.#change(destination)),
    add: async () => {
      const { chance, activeMs } = this.#options
      if ((await this.#destinations()).length >= destinationsMax) return null
      const name = `late-${this.#made}`
      await this.add(drawDefinition(name, chance), drawPeer(chance, activeMs))
      return name
    },
    remove: () => this.#onDestination((destination) => this.#remove(destination)),
    retry: async () => {
      const delivery = await this.#someDelivery(null)
      return delivery === null ? null : this.#retry(delivery)
    },
    skip: async () => {
      const delivery = await this.#someDelivery('pending')
      if (delivery === null) return null
      const answer = await this.#ask(
        (store) => store.skipDelivery(delivery.key, 'passed over by hand'),
        (done) => (done === 'done' ? { kind: 'skipped', delivery } : null),
      )
      return `${told(delivery)}: ${answer}`
    },
    resumeLane: () => this.#onLane((lane) => this.#resumeLane(lane)),
    skipLaneHead: () => this.#onLane((lane) => this.#skipLaneHead(lane)),
    replay: () => this.#onDestination((destination) => this.#replay(destination)),
    cancelReplay: async () => {
      const [replay] = await this.#look((store) => store.listReplays({ before: null, limit: 1 }))
      if (replay?.state !== 'running') return null
      await this.#ask(
        (store) => store.cancelReplay(replay.key),
        () => ({ kind: 'replayCancelled', replayKey: replay.key }),
      )
      return `replay ${replay.key}`
    },
  }

  async #onDestination(
    run: (destination: StoredDestination) => Promise<string | null>,
  ): Promise<string | null> {
    const others = (await this.#destinations()).filter(({ definition }) => definition.name !== healthyName)
    if (others.length === 0) return null
    const destination = this.#options.chance.pick(others)
    const answer = await run(destination)
    return answer === null ? null : `${destination.definition.name}: ${answer}`
  }

  async #onLane(run: (lane: StoredLane) => Promise<string>): Promise<string | null> {
    const { chance } = this.#options
    const lanes = await this.#lanes(chance.happens(0.8) ? 'parked' : 'running')
    return lanes.length === 0 ? null : run(chance.pick(lanes))
  }

  async #hold(destination: StoredDestination, hold: Omit<Hold, 'since'> | null): Promise<string | null> {
    const { trace } = this.#options
    const stored = await this.#ask(
      (store) => store.holdDestination(destination.id, hold),
      (held) =>
        held === null ? null : { kind: 'destination', stored: held, act: hold === null ? 'resumed' : 'held' },
    )
    if (stored !== null && (stored.flow.hold?.reason ?? null) !== (hold?.reason ?? null)) {
      trace.broken(
        'P7',
        `${destination.id} was to be ${hold?.reason ?? 'resumed'} and is ${stored.flow.hold?.reason}`,
      )
    }
    return stored === null ? null : (hold?.reason ?? 'active')
  }

  async #change(destination: StoredDestination): Promise<string> {
    const { chance } = this.#options
    const drawn = drawDefinition(destination.definition.name, chance)
    const fields = Object.keys(drawn) as (keyof DestinationDefinition)[]
    const field = chance.pick(fields.filter((name) => name !== 'name' && name !== 'kind'))
    const definition = { ...destination.definition, [field]: drawn[field] }
    const answer = await this.#ask(
      (store) =>
        store.changeDestination(destination.id, destination.version, { definition, sealedSecrets: null }),
      (stored) => (typeof stored === 'string' ? null : { kind: 'destination', stored, act: 'changed' }),
    )
    return typeof answer === 'string' ? answer : `${field} ${JSON.stringify(definition[field])}`
  }

  async #remove({ id, key }: StoredDestination): Promise<string> {
    const { chance, schedule } = this.#options
    const undelivered = chance.pick(['refuse', 'skip', 'dead'] as const)
    for (;;) {
      const answer = await this.#ask(
        async (store) => ({
          removal: await store.removeDestination(id, undelivered, chance.between(1, 20)),
          left: await store.listDeliveries({
            destinationKey: key,
            state: 'pending',
            before: null,
            limit: 1_000,
          }),
        }),
        ({ removal, left }) =>
          removal === null || (undelivered === 'refuse' && removal.remaining > 0)
            ? null
            : {
                kind: 'removed',
                destinationKey: key,
                undelivered: undelivered === 'dead' ? 'dead' : 'skip',
                isDone: removal.remaining === 0,
                left,
              },
      )
      const remaining = answer.removal?.remaining ?? 0
      if (remaining === 0 || undelivered === 'refuse') return `${undelivered}, ${remaining} remain`
      await schedule.wait(chance.between(0, 50))
    }
  }

  async #retry(delivery: ListedDelivery): Promise<string> {
    const answer = await this.#ask(
      (store) => store.retryDelivery(delivery.key),
      (done) => (done === 'done' ? { kind: 'retried', delivery } : null),
    )
    return `${told(delivery)}: ${answer}`
  }

  async #resumeLane({ key, destinationKey, laneKey }: StoredLane): Promise<string> {
    const answer = await this.#ask(
      (store) => store.resumeLane(key),
      (done) => (done === 'done' ? { kind: 'laneResumed', destinationKey, laneKey } : null),
    )
    return `${destinationKey}/${laneKey}: ${answer}`
  }

  async #skipLaneHead({ key, destinationKey, laneKey }: StoredLane): Promise<string> {
    const answer = await this.#ask(
      (store) => store.skipLaneHead(key, 'passed over by hand'),
      (done) => (done === 'done' ? { kind: 'laneSkipped', destinationKey, laneKey } : null),
    )
    return `${destinationKey}/${laneKey}: ${answer}`
  }

  async #replay({ key }: StoredDestination): Promise<string> {
    const { chance, trace } = this.#options
    const callId = `call-${chance.between(1, 6)}`
    const filter = chance.pick([{}, { callId }, { type: 'call.ended' }, { state: 'dead' as const }])
    const answer = await this.#ask(
      async (store) => {
        const matched = await store.matchReplay({ destinationKey: key, filter, totalMax: 40 })
        return 'tooMany' in matched
          ? matched
          : await store.addReplay({ destinationKey: key, filter, ...matched })
      },
      (replay) =>
        'tooMany' in replay ? null : { kind: 'replayAsked', replayKey: replay.key, destinationKey: key },
    )
    if ('tooMany' in answer) return `${answer.tooMany} are too many`
    trace.count('replays')
    return `replay ${answer.key} of ${answer.total} events`
  }

  async #someDelivery(state: 'pending' | null): Promise<ListedDelivery | null> {
    const { chance } = this.#options
    const wanted =
      state ?? chance.pick(['pending', 'dead', 'dead', 'skipped', 'filtered', 'delivered'] as const)
    const listed = await this.#look((store) =>
      store.listDeliveries({ state: wanted, before: null, limit: 20 }),
    )
    return listed.length === 0 ? null : chance.pick(listed)
  }

  #destinations(): Promise<StoredDestination[]> {
    return this.#look((store) => store.listDestinations())
  }

  #lanes(state: 'parked' | 'running'): Promise<StoredLane[]> {
    return this.#look((store) => store.listLanes({ state, after: 0, limit: 1_000 }))
  }

  #look<T>(run: (store: Store) => Promise<T>): Promise<T> {
    return this.#ask(run, () => null)
  }

  /** As a node asks, but nothing fails: a person who is told of a failure looks again. */
  async #ask<T>(run: (store: Store) => Promise<T>, tell: (answer: T) => Deed | null): Promise<T> {
    const { schedule, chance, disk, done } = this.#options
    await schedule.wait(chance.between(0, 5))
    const answer = await run(disk.store)
    const deed = tell(answer)
    if (deed !== null) done(deed)
    await schedule.wait(chance.between(0, 5))
    return answer
  }
}

function told({ destinationKey, eventSeq }: ListedDelivery): string {
  return `${destinationKey}/${eventSeq}`
}
