import type { Store } from '@hookswitch/core'
import { showCall, type CallRecord } from '@hookswitch/events'
import type { CallViews } from '../agents/call-views.ts'
import { plainOutcome } from './plain-outcome.ts'

/** A call as the API shows it, and the plain values of its outcome. */
export interface ShownCall {
  call: CallRecord
  outcome: Record<string, unknown>
}

interface Reading {
  readAt: number
  shown: Promise<ShownCall | null>
}

/** Calls whose last reading is kept for whoever has been waiting since before it. */
const readingsMax = 16

/**
 * Reads calls for filters, templates and handlers. Tries of one call that begin together share one reading: a long
 * call costs the more the longer it is, and its updates come by the dozen.
 */
export class CallReads {
  readonly #store: Pick<Store, 'getCall'>
  readonly #views: CallViews
  readonly #now: () => number
  readonly #readings = new Map<string, Reading>()

  constructor(store: Pick<Store, 'getCall'>, views: CallViews, now: () => number = () => performance.now()) {
    this.#store = store
    this.#views = views
    this.#now = now
  }

  /**
   * The call as it is, or was at `since` or later: everything that was folded before then is in it. Null when there is
   * no such call. Nobody may change what is given.
   */
  get(callId: string, since: number): Promise<ShownCall | null> {
    const known = this.#readings.get(callId)
    if (known !== undefined && known.readAt >= since) return known.shown
    this.#readings.delete(callId)
    if (this.#readings.size >= readingsMax) {
      const [oldest] = this.#readings.keys()
      if (oldest !== undefined) this.#readings.delete(oldest)
    }
    const shown = this.#read(callId)
    const reading = { readAt: this.#now(), shown }
    this.#readings.set(callId, reading)
    // What could not be read must be read again; what was read is of no use to those that begin later.
    const forget = (): void => {
      if (this.#readings.get(callId) === reading) this.#readings.delete(callId)
    }
    shown.then(() => setTimeout(forget, keptMs).unref(), forget)
    return shown
  }

  async #read(callId: string): Promise<ShownCall | null> {
    const found = await this.#store.getCall(callId)
    if (found === null) return null
    const call = showCall(found.head, found.parts, await this.#views(found.head))
    return { call, outcome: plainOutcome(call) }
  }
}

/** Those that begin together ask within this time. */
const keptMs = 100
