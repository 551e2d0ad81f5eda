import { queryWithin, type Connections } from './connections.ts'

/** All nodes of one database listen here. */
const channel = 'hookswitch_appended'

/** A burst of commits is signalled this often at most; every signal wakes all readers on all nodes. */
const notifyEveryMs = 20

/** Where signals do not get through (a node died between commit and signal, a pooler), readers are late by this. */
const pollMs = 1_000

/** Before the next try after the connection was lost. */
const reconnectMs = 1_000

/** For a statement on the listening connection; one that takes longer is on a connection that is dead. */
const answerMs = 4_000

/** Tells the readers of this node when any node has appended, and the other nodes when this one has. */
export class Watch {
  readonly #connections: Connections
  readonly #watchers = new Set<() => void>()
  #listening: Promise<void> | null = null
  #endPause: (() => void) | null = null
  #notifyTimer: NodeJS.Timeout | null = null
  #notifyAgain = false
  #closed = false

  constructor(connections: Connections) {
    this.#connections = connections
  }

  add(onAppended: () => void): () => void {
    // An entry of its own, so that a callback that is added twice can be removed once.
    const watcher = (): void => onAppended()
    this.#watchers.add(watcher)
    this.#listening ??= this.#listen()
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  /** Say that this node has appended: its own readers learn it at once, the others by a signal. */
  appended(): void {
    if (this.#closed) return
    this.#wake()
    if (this.#notifyTimer === null) this.#notify()
    else this.#notifyAgain = true
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watchers.clear()
    if (this.#notifyTimer !== null) clearTimeout(this.#notifyTimer)
    this.#endPause?.()
    await this.#listening
  }

  #wake(): void {
    for (const watcher of this.#watchers) {
      queueMicrotask(() => {
        if (this.#watchers.has(watcher)) watcher()
      })
    }
  }

  #notify(): void {
    this.#notifyAgain = false
    this.#notifyTimer = setTimeout(() => {
      this.#notifyTimer = null
      if (this.#notifyAgain) this.#notify()
    }, notifyEveryMs).unref()
    // A signal is a hint, so it neither waits for the disk nor matters when it is lost.
    this.#connections
      .read(`SELECT set_config('synchronous_commit', 'off', true), pg_notify('${channel}', '')`)
      .catch(() => {})
  }

  /** Keeps one connection that listens, for as long as the store is open. */
  async #listen(): Promise<void> {
    while (!this.#closed) {
      try {
        await this.#listenOnce()
      } catch {
        // The store is away; whoever asks it for something learns why.
      }
      await this.#pause(reconnectMs)
    }
  }

  async #listenOnce(): Promise<void> {
    const client = await this.#connections.connect()
    try {
      client.on('notification', () => this.#wake())
      await queryWithin(client, answerMs, `LISTEN ${channel}`)
      let seen: unknown = null
      while (!this.#closed) {
        const [row] = await queryWithin(client, answerMs, `SELECT max(seq) AS seq FROM hookswitch.events`)
        const newest: unknown = row !== undefined && 'seq' in row ? row.seq : null
        // Also the first time: what was appended while nobody listened has not been signalled.
        if (newest !== seen) this.#wake()
        seen = newest
        await this.#pause(pollMs)
      }
    } finally {
      client.end().catch(() => {})
    }
  }

  #pause(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#endPause?.(), ms)
      this.#endPause = () => {
        clearTimeout(timer)
        this.#endPause = null
        resolve()
      }
    })
  }
}
