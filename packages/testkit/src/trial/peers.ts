import type { AttemptResult, DeliveryJob } from '@hookswitch/core'
import { hashOf, type Chance } from './chance.ts'

/** How a destination is for a while. */
export type Mood =
  | 'ok'
  | 'slow'
  | 'flaky'
  | 'down'
  | 'hangs'
  | 'limits'
  | 'busy'
  | 'refuses'
  | 'gone'
  | 'interrupts'
  | 'throws'

/** What a destination is made of. */
export interface Peer {
  /** Its moods, each until a time; after the last it is well. */
  moods: { until: number; mood: Mood }[]
  /** The share of events that it refuses for good, and that its filter leaves out. */
  poison: number
  filtered: number
  /** A node waits this long for its answer. */
  timeoutMs: number
  /** The share of its answers, of whatever kind, that take long. */
  lags: number
}

/** What comes of one request. */
export interface Reply {
  /** Null where the try throws. */
  result: AttemptResult | null
  afterMs: number
  mood: Mood | 'poison' | 'filter'
}

const nothing = {
  status: null,
  cause: null,
  message: null,
  retryAfterMs: null,
  request: null,
  response: null,
}

/** What the destination does with a request that reaches it now. */
export function reply(peer: Peer, job: DeliveryJob, now: number, chance: Chance): Reply {
  const { claim } = job
  const event = `${claim.destinationKey} ${claim.delivery.eventSeq}`
  const result = (wanted: Partial<AttemptResult> & Pick<AttemptResult, 'verdict'>): AttemptResult => ({
    ...nothing,
    ...wanted,
  })
  if (isAmong(`filter ${event}`, peer.filtered)) {
    return {
      result: result({ verdict: 'filtered', message: 'the filter said no' }),
      afterMs: chance.between(0, 2),
      mood: 'filter',
    }
  }
  const mood = peer.moods.find(({ until }) => now < until)?.mood ?? 'ok'
  const quickMs = chance.happens(peer.lags) ? chance.between(100, 3_000) : chance.between(1, 30)
  const delivered = result({ verdict: 'delivered', status: 200 })
  switch (mood) {
    case 'down':
      return { result: result({ verdict: 'retry', status: 500 }), afterMs: quickMs, mood }
    case 'hangs':
      return { result: result({ verdict: 'retry', cause: 'timeout' }), afterMs: peer.timeoutMs, mood }
    case 'limits':
    case 'busy':
      return {
        result: result({
          verdict: 'retry',
          status: mood === 'limits' ? 429 : 503,
          retryAfterMs: chance.happens(0.7) ? chance.between(1, 8) * 1_000 : null,
        }),
        afterMs: quickMs,
        mood,
      }
    case 'refuses':
      return { result: result({ verdict: 'auth', status: 401 }), afterMs: chance.between(10, 3_000), mood }
    case 'gone':
      return { result: result({ verdict: 'gone', status: 410 }), afterMs: chance.between(10, 3_000), mood }
    case 'interrupts':
      if (chance.happens(0.6)) return { result: result({ verdict: 'interrupted' }), afterMs: quickMs, mood }
      break
    case 'throws':
      if (chance.happens(0.5)) return { result: null, afterMs: quickMs, mood }
      break
    case 'flaky':
      if (chance.happens(0.5)) {
        return { result: result({ verdict: 'retry', cause: 'reset' }), afterMs: quickMs, mood }
      }
      break
    case 'ok':
    case 'slow':
      break
  }
  if (isAmong(`poison ${event}`, peer.poison)) {
    return { result: result({ verdict: 'reject', status: 422 }), afterMs: quickMs, mood: 'poison' }
  }
  return {
    result: delivered,
    afterMs: mood === 'slow' ? chance.between(200, peer.timeoutMs - 1) : quickMs,
    mood,
  }
}

/** The same for an event whenever it is asked. */
function isAmong(name: string, share: number): boolean {
  return share > 0 && hashOf(name) / 2 ** 32 < share
}
