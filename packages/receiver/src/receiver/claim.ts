import type { ResolvedReceiver } from './resolve-options.ts'

/** An event that is ours to handle. Nothing here rejects: what the dedupe throws is told to `onTrouble`. */
export interface Held {
  state: 'held'
  /** It is ours no longer: it was handled, or else a repeat may have it. */
  settle(handled: boolean): Promise<void>
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
  if (answer.state !== 'claimed') return answer
  const { token } = answer
  return {
    state: 'held',
    settle: (handled) =>
      telling(onTrouble, async () => {
        if (!handled) await dedupe.release(key, token)
        else if (!(await dedupe.done(key, token, dedupeWindowMs))) {
          throw new Error('the claim ran out before the event was handled, so that it may be handled twice')
        }
      }),
    extend: () =>
      telling(onTrouble, async () => {
        await dedupe.extend(key, token, leaseMs)
      }),
  }
}

async function telling(onTrouble: (error: unknown) => void, act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    onTrouble(error)
  }
}

/** Nothing is remembered: every event is ours. */
export const heldWithoutDedupe: Held = {
  state: 'held',
  settle: () => Promise.resolve(),
  extend: () => Promise.resolve(),
}
