import type { Received } from './receiver.ts'

/** What a destination must have got, and when it may have got something twice. */
export interface ExpectedLanes {
  /** The ids of the events of each lane, in the order of the log. */
  lanes: ReadonlyMap<string, readonly string[]>
  /** When nodes that were sending were killed or frozen. */
  interruptions?: readonly Interruption[]
  /**
   * An older event may come again around an interruption too: a node that was frozen may have left a request on its
   * way, and a store that crashed may have lost several results.
   */
  lateRepeats?: boolean
}

/** The ids of events by lane, in the order in which the events are given, which is that of the log. */
export function lanesOf(
  events: readonly Record<string, unknown>[],
  laneOf: (callId: string) => string = (callId) => callId,
): Map<string, string[]> {
  const lanes = new Map<string, string[]>()
  for (const { id, callId } of events) {
    const lane = laneOf(String(callId))
    const ids = lanes.get(lane)
    if (ids === undefined) lanes.set(lane, [String(id)])
    else ids.push(String(id))
  }
  return lanes
}

/** Times of `performance.now()`. */
export interface Interruption {
  from: number
  /** From here on nothing comes any more of what was on its way; other nodes may already have gone on before. */
  to: number
}

/** One event of a lane and what has come of it so far. */
interface Progress {
  place: number
  begunAt: number
  /** True when its last try was answered with an error: the next one is no repeat. */
  failed: boolean
  /** Interruptions that have excused a repeat of the lane. */
  spent: ReadonlySet<Interruption>
}

/**
 * Holds what came to one destination to the promises: nothing missing (P4), one after the other in the order of the
 * log (P3), and nothing twice but with the same id and around an interruption. Gives a sentence for each breach.
 *
 * In each lane an event may begin only when the one before it was answered with 2xx. What came twice without having
 * failed must have been under way, or just answered, at an interruption: it is the last event that its lane had begun
 * until then, and each interruption excuses one repeat of a lane.
 */
export function laneBreaches(received: readonly Received[], expected: ExpectedLanes): string[] {
  const { lanes, interruptions = [], lateRepeats = false } = expected
  const breaches: string[] = []
  const places = new Map<string, { lane: string; place: number }>()
  for (const [lane, ids] of lanes) for (const [place, id] of ids.entries()) places.set(id, { lane, place })
  const present = new Map<string, Progress>()
  const answered = new Map<string, number>()

  for (const one of received) {
    const known = places.get(one.id)
    if (known === undefined) {
      breaches.push(`${one.id} came and is no event of this destination`)
      continue
    }
    const { lane, place } = known
    const where = `${lane}: event ${place + 1} of ${lanes.get(lane)?.length} (${one.id})`
    const before = present.get(lane) ?? { place: -1, begunAt: -Infinity, failed: false, spent: new Set() }
    const excuse = interruptions.find(
      (interruption) =>
        before.begunAt < interruption.to &&
        interruption.from < one.beganAt &&
        (lateRepeats || !before.spent.has(interruption)),
    )
    let { spent } = before
    if (place > before.place + 1) {
      breaches.push(`${where} came after event ${before.place + 1}: one is missing between them`)
    } else if (place < before.place) {
      if (!lateRepeats || excuse === undefined) {
        breaches.push(`${where} came again after event ${before.place + 1}`)
      }
      continue
    } else if (place === before.place) {
      if (!before.failed && excuse === undefined)
        breaches.push(`${where} came twice and nothing was interrupted`)
      if (!before.failed && excuse !== undefined) spent = new Set([...spent, excuse])
    } else {
      const doneAt = answered.get(lanes.get(lane)?.[before.place] ?? '') ?? Infinity
      if (before.place >= 0 && doneAt > one.beganAt) {
        breaches.push(`${where} began before event ${before.place + 1} was answered`)
      }
    }
    const isOk = one.status !== null && one.status >= 200 && one.status < 300
    if (isOk && one.endedAt !== null) {
      answered.set(one.id, Math.min(answered.get(one.id) ?? Infinity, one.endedAt))
    }
    present.set(lane, { place, begunAt: one.beganAt, failed: one.status !== null && !isOk, spent })
  }

  for (const [lane, ids] of lanes) {
    for (const [place, id] of ids.entries()) {
      if (!answered.has(id)) {
        breaches.push(`${lane}: event ${place + 1} of ${ids.length} (${id}) was never delivered`)
      }
    }
  }
  return breaches
}

/** How many came again without having failed. */
export function repeatsIn(received: readonly Received[]): number {
  const seen = new Set<string>()
  let repeats = 0
  for (const { id, status } of received) {
    if (seen.has(id)) repeats += 1
    if (status === null || status < 300) seen.add(id)
  }
  return repeats
}
