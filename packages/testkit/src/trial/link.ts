import { epochLapsesMs, foldTurnMs, StoreError, type Store } from '@hookswitch/core'
import type { Chance } from './chance.ts'
import type { Disk } from './disk.ts'
import type { Deed } from './deed.ts'
import type { Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'
import type { Troubles } from './trouble.ts'

/** How the way between a node and the store is. Probabilities per call. */
export interface LinkFaults {
  /** The call fails, and certainly did nothing. */
  none: number
  /** Its outcome is not known: half of them were done. */
  unknown: number
  /** Either way takes seconds. */
  silent: number
  /** Either way takes some tenths of a second. */
  slow: number
}

export const noFaults: LinkFaults = { none: 0, unknown: 0, silent: 0, slow: 0 }

const silentMsMin = 2_000
const slowMsMin = 100

/** What a node asks of the store. */
export type NodeStore = Pick<
  Store,
  | 'append'
  | 'foldRead'
  | 'foldCommit'
  | 'work'
  | 'beat'
  | 'endEpoch'
  | 'listDestinations'
  | 'replayRead'
  | 'replayCommit'
  | 'cancelReplay'
  | 'expireDeliveries'
  | 'retain'
>

export interface LinkOptions {
  /** The node, or who else asks. */
  who: string
  disk: Disk
  schedule: Schedule
  chance: Chance
  trace: Trace
  troubles: Troubles
  faults: () => LinkFaults
  /** Nothing gets through before then, in either direction. */
  cutOffUntil: () => number
  /** Takes what comes back: a frozen node takes it later, a dead one never. */
  receive: (run: () => void) => void
  /** Whether it still sends: what a node that is dead has not sent yet, it never does. */
  isAlive: () => boolean
  /** What the store has done, in the moment in which it was done. */
  done: (deed: Deed) => void
  foldTurn: FoldTurn
  /** For how long the destination asked to be left alone in that try, and the budget that the try was made with. */
  asked: (rowKey: number, claim: number) => { restMs: number | null; triesMax: number | null }
}

/**
 * Who folds. With one process there is one; several nodes on one store take turns, as on PostgreSQL. The store keeps
 * the rows of the last read for the commit after it, so where another has read since it reads again.
 */
export class FoldTurn {
  #node: string | null = null
  #usedAt = 0
  #lastReader: string | null = null

  take(node: string, now: number): boolean {
    if (this.#node !== node && this.#node !== null && now - this.#usedAt < foldTurnMs) return false
    this.#node = node
    this.#usedAt = now
    this.#lastReader = node
    return true
  }

  isLastReader(node: string): boolean {
    return this.#lastReader === node
  }

  readAgain(node: string): void {
    this.#lastReader = node
  }
}

/** A node's way to the store: it takes time, fails, falls silent, and tells the ledger what was done. */
export function linkTo(options: LinkOptions): NodeStore {
  const { who, disk, schedule, chance, trace, troubles, receive, isAlive, done, foldTurn } = options

  function fault(): 'none' | 'unknown' | 'unknown, done' | null {
    const { none, unknown } = options.faults()
    const drawn = chance.next()
    if (drawn < none) return 'none'
    if (drawn >= none + unknown) return null
    return chance.happens(0.5) ? 'unknown' : 'unknown, done'
  }

  function wayMs(): number {
    const { silent, slow } = options.faults()
    const drawn = chance.next()
    if (drawn < silent) return chance.between(silentMsMin, epochLapsesMs * 2)
    return drawn < silent + slow ? chance.between(slowMsMin, 800) : chance.between(0, 4)
  }

  function cutOffMs(): number {
    return Math.max(0, options.cutOffUntil() - schedule.now)
  }

  /** Over there, in one step of the trial, the store does it and the ledger is told of it. */
  function call<T>(
    name: string,
    run: (store: Store) => Promise<T>,
    tell: (answer: T) => Deed | null,
  ): Promise<T> {
    const failure = fault()
    if (failure !== null) {
      troubles.note(who, 'store fault')
      trace.count(`fault ${failure}`)
      trace.note(who, `the store will fail in ${name} (${failure})`)
    }
    return new Promise((resolve, reject) => {
      const { life } = disk
      const ways = [wayMs(), wayMs()] as const
      const isSilent = Math.max(...ways) >= silentMsMin
      if (isSilent) {
        trace.count('store silent')
        trace.note(who, `will not hear of ${name} for ${ways[0] + ways[1]} ms`)
      }
      const isSlow = Math.max(...ways) >= slowMsMin
      const end = isSlow ? troubles.begin(who, isSilent ? 'store silent' : 'store slow') : null
      const answer = (settle: () => void): void => {
        schedule.after(ways[1] + cutOffMs(), () => {
          receive(() => {
            end?.()
            settle()
          })
        })
      }
      schedule.after(ways[0] + cutOffMs(), () => {
        // What a node had not sent when it died, or when the power failed, is gone with it.
        if (disk.life !== life || (!isAlive() && chance.happens(0.5))) return
        if (failure === 'none' || failure === 'unknown') {
          const outcome = failure
          answer(() => reject(new StoreError('unavailable', 'as the trial wants it', { outcome })))
          return
        }
        run(disk.store).then(
          (value) => {
            const deed = tell(value)
            if (deed !== null) done(deed)
            answer(() => {
              if (failure === null) resolve(value)
              else reject(new StoreError('unavailable', 'as the trial wants it', { outcome: 'unknown' }))
            })
          },
          (error: unknown) => {
            trace.broken('store', `${name} failed by itself: ${String(error)}`)
            answer(() => reject(error))
          },
        )
      })
    })
  }

  return {
    append: (batch) =>
      call(
        'append',
        (store) => store.append(batch),
        (answer) => ({ kind: 'appended', batch, answer }),
      ),
    foldRead: (node, eventsMax, bytesMax) => {
      // Short stretches, so that more of them meet what happens.
      const wanted = Math.min(eventsMax, chance.between(1, 24))
      return call(
        'foldRead',
        (store) =>
          foldTurn.take(who, schedule.now) ? store.foldRead(node, wanted, bytesMax) : Promise.resolve(null),
        () => null,
      )
    },
    foldCommit: (commit) =>
      call(
        'foldCommit',
        async (store) => {
          if (!foldTurn.isLastReader(who)) {
            foldTurn.readAgain(who)
            await store.foldRead(who, commit.events.length, Number.MAX_SAFE_INTEGER)
          }
          return store.foldCommit(commit)
        },
        (written) => ({ kind: 'folded', commit, written }),
      ),
    work: (request) =>
      call(
        'work',
        (store) => store.work(request),
        (answer) => ({
          kind: 'worked',
          node: who,
          request,
          answer,
          asked: request.results.map(({ laneKey, claim }) => options.asked(laneKey, claim)),
        }),
      ),
    beat: (epoch) =>
      call(
        'beat',
        (store) => store.beat(epoch),
        (alive) => ({ kind: 'beaten', node: who, epoch, alive }),
      ),
    endEpoch: (epoch) =>
      call(
        'endEpoch',
        (store) => store.endEpoch(epoch),
        () => ({ kind: 'epochEnded', epoch }),
      ),
    listDestinations: () =>
      call(
        'listDestinations',
        (store) => store.listDestinations(),
        () => null,
      ),
    replayRead: (eventsMax) =>
      call(
        'replayRead',
        (store) => store.replayRead(Math.min(eventsMax, chance.between(1, 12))),
        () => null,
      ),
    replayCommit: (commit) =>
      call(
        'replayCommit',
        (store) => store.replayCommit(commit),
        (written) =>
          written
            ? {
                kind: 'replayed',
                replayKey: commit.replayKey,
                deliveries: commit.deliveries,
                isDone: commit.done,
              }
            : null,
      ),
    cancelReplay: (key) =>
      call(
        'cancelReplay',
        (store) => store.cancelReplay(key),
        () => ({ kind: 'replayCancelled', replayKey: key }),
      ),
    expireDeliveries: (createdBefore, deliveriesMax) =>
      call(
        'expireDeliveries',
        (store) => store.expireDeliveries(createdBefore, deliveriesMax),
        () => null,
      ),
    retain: (cutoffs, rowsMax) =>
      call(
        'retain',
        (store) => store.retain(cutoffs, rowsMax),
        () => null,
      ),
  }
}
