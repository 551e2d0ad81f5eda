import { randomUUID } from 'node:crypto'
import { Rest } from '../runtime/rest.ts'
import type { Timers } from '../runtime/timers.ts'
import type { DeliveryStore } from './delivery-store.ts'

export interface NodeEpochOptions {
  store: Pick<DeliveryStore, 'beat' | 'endEpoch'>
  timers: Timers
  newEpoch?: () => string
  /** What this node holds may be another's by now. */
  onLapse: () => void
}

const beatMs = 2_000

/** Without a renewal for this long a node drops what it holds, well before another may take it. */
const silentMs = 5_000

/** What is under way has this long to end when the epoch must be left; until then the node begins nothing new. */
const retireMs = 10_000

/** By what name lanes are this node's, and when it asked to keep it with success. */
interface Epoch {
  id: string
  renewedAt: number
}

/** The name under which a node holds lanes: it is renewed, lapses in silence, and is left when it cannot be trusted. */
export class NodeEpoch {
  readonly #options: NodeEpochOptions
  readonly #timers: Timers
  readonly #rest: Rest
  #epoch: Epoch | null = null
  /** The epoch before, where the store was not asked to end it. */
  #left: string | null = null
  /**
   * Since when the epoch may hold lanes that nobody works on; null where it does not. Nothing new is claimed with it
   * then, and it ends when it is empty.
   */
  #retiringSince: number | null = null
  #ended = false

  constructor(options: NodeEpochOptions) {
    this.#options = options
    this.#timers = options.timers
    this.#rest = new Rest(options.timers)
  }

  /** Null while there is none. */
  get id(): string | null {
    return this.#epoch?.id ?? null
  }

  get retiring(): boolean {
    return this.#retiringSince !== null
  }

  /** Whether what is under way has had its time, of an epoch that must be left. */
  retiredAt(now: number): boolean {
    return this.#retiringSince !== null && now - this.#retiringSince >= retireMs
  }

  isSilent(now: number): boolean {
    return this.#epoch === null || now - this.#epoch.renewedAt > silentMs
  }

  /** The one there is, or a new one. */
  async live(): Promise<string> {
    const now = this.#timers.now()
    if (this.#epoch !== null && this.isSilent(now)) this.lapse()
    if (this.#epoch !== null) return this.#epoch.id
    const id = (this.#options.newEpoch ?? randomUUID)()
    await this.#options.store.beat(id)
    this.#epoch = { id, renewedAt: now }
    // Nobody works on what the last one held: it need not wait for its lapse.
    const left = this.#left
    this.#left = null
    if (left !== null) await this.#options.store.endEpoch(left).catch(() => {})
    return id
  }

  /** It has lapsed, or may have: what this node holds is dropped, and a new epoch begins. */
  lapse(): void {
    this.#options.onLapse()
    this.#left = this.#epoch?.id ?? this.#left
    this.#epoch = null
    this.#retiringSince = null
  }

  /**
   * After an error nobody knows what this node holds: an answer may have been lost on its way, and a store that was
   * away may have lost its last writes, which need not have reached the disk. What is under way is still written.
   */
  retire(): void {
    this.#retiringSince ??= this.#timers.now()
  }

  /** Gives back all that is held; the next is a new one. */
  async leave(): Promise<void> {
    const epoch = this.#epoch
    this.#epoch = null
    this.#retiringSince = null
    if (epoch !== null) await this.#options.store.endEpoch(epoch.id).catch(() => {})
  }

  /** Renews the epoch until `stop`; whoever sees that it has lapsed is woken by `onLapse`. */
  async beat(): Promise<void> {
    let asked: Epoch | null = null
    while (!this.#ended) {
      await this.#rest.for(beatMs)
      const epoch = this.#epoch
      if (this.#ended || epoch === null) continue
      if (this.isSilent(this.#timers.now())) this.lapse()
      else if (asked !== epoch) {
        // Not waited for: a store that does not answer must not keep this loop from seeing for how long it has not.
        asked = epoch
        void this.#renew(epoch).then(() => {
          if (asked === epoch) asked = null
        })
      }
    }
  }

  stop(): void {
    this.#ended = true
    this.#rest.end()
  }

  async #renew(epoch: Epoch): Promise<void> {
    const askedAt = this.#timers.now()
    const alive = await this.#options.store.beat(epoch.id).catch(() => null)
    if (this.#epoch !== epoch) return
    if (alive === true) epoch.renewedAt = askedAt
    else if (alive === null) this.retire()
    else this.lapse()
  }
}
