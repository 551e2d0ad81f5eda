import type { ResolvedReceiver } from './resolve-options.ts'

/** An event that is ours to handle. Nothing here rejects: what the dedupe throws is told to `onTrouble`. */
export interface Held {
  state: 'held'
  /** It is ours no longer: it was handled, or else a repeat may have it. False where the dedupe could not be told. */
  settle(handled: boolean): Promise<boolean>
  /** Ours for another `leaseMs` from now. Where it was lost already, `settle` tells. */
  extend(): Promise<void>
}

export type ClaimAnswer = Held | { state: 'done' } | { state: 'busy'; retryAfterMs: number }

/** @throws what the dedupe throws. */
export async function claim(
  { dedupe, dedupeWindowMs, leaseMs }: Pick<ResolvedReceiver, 'dedupe' | 'dedupeWindowMs' | 'leaseMs'>,
  key: string,
  onTrouble: (error: unknown) => void,
): Promise<ClaimAnswer> {
  if (dedupe === null) return heldWithoutDedupe
  const answer = await dedupe.claim(key, leaseMs)
  checkAnswer(answer)
  if (answer.state !== 'claimed') return answer
  const { token } = answer
  return {
    state: 'held',
    settle: (handled) =>
      telling(onTrouble, async () => {
        if (!handled) await dedupe.release(key, token)
        else if (!(await dedupe.done(key, token, dedupeWindowMs))) {
          onTrouble(
            new Error('the claim ran out before the event was handled, so that it may be handled twice'),
          )
        }
      }),
    extend: async () => {
      await telling(onTrouble, () => dedupe.extend(key, token, leaseMs))
    },
  }
}

/** A dedupe of one's own may answer anything, and what it does not say must not be guessed. */
function checkAnswer(answer: unknown): void {
  const { state, token, retryAfterMs } = (answer ?? {}) as Record<string, unknown>
  if (state === 'claimed' && typeof token === 'string') return
  if (state === 'busy' && Number.isFinite(retryAfterMs)) return
  if (state === 'done') return
  throw new TypeError(
    'claim of the dedupe gave something else than { state: "claimed", token }, { state: "done" } or { state: "busy", retryAfterMs }',
  )
}

/** False where it threw. */
async function telling(onTrouble: (error: unknown) => void, act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act()
    return true
  } catch (error) {
    onTrouble(error)
    return false
  }
}

/** Nothing is remembered: every event is ours. */
export const heldWithoutDedupe: Held = {
  state: 'held',
  settle: () => Promise.resolve(true),
  extend: () => Promise.resolve(),
}
