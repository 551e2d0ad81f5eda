import { randomBytes } from 'node:crypto'
import type { StoreChange } from '@hookswitch/core'
import { queryWithin, type Connections } from './connections.ts'

/** All nodes of one database listen here. */
const channels: Readonly<Record<StoreChange, string>> = {
  appended: 'hookswitch_appended',
  work: 'hookswitch_work',
}

/** A burst of commits is signalled this often at most; every signal wakes all readers on all nodes. */
const notifyEveryMs = 20

/** Where signals do not get through (a node died between commit and signal, a pooler), readers are late by this. */
const pollMs = 1_000

/** Before the next try after the connection was lost. */
const reconnectMs = 1_000

/** For a statement on the listening connection; one that takes longer is on a connection that is dead. */
const answerMs = 4_000

/** Tells the readers of this node when any node has changed something, and the other nodes when this one has. */
export class Watch {
  readonly #connections: Connections
  /** Goes with each signal, so that a node is not woken twice by its own. */
  readonly #sender = randomBytes(9).toString('base64url')
  readonly #watchers = new Set<(change: StoreChange) => void>()
  readonly #signals: Readonly<Record<StoreChange, Signal>>
  #listening: Promise<void> | null = null
  #endPause: (() => void) | null = null
  #closed = false

  constructor(connections: Connections) {
    this.#connections = connections
    const signal = (change: StoreChange): Signal =>
      new Signal(() => {
        // A signal is a hint, so it does not matter when it is lost.
        connections.work(`SELECT pg_notify($1, $2)`, [channels[change], this.#sender]).catch(() => {})
      })
    this.#signals = { appended: signal('appended'), work: signal('work') }
  }

  add(onChange: (change: StoreChange) => void): () => void {
    // An entry of its own, so that a callback that is added twice can be removed once.
    const watcher = (change: StoreChange): void => onChange(change)
    this.#watchers.add(watcher)
    this.#listening ??= this.#listen()
    return () => {
      this.#watchers.delete(watcher)
    }
  }

  /** Say that this node has changed something: its own readers learn it at once, the others by a signal. */
  changed(change: StoreChange): void {
    if (this.#closed) return
    this.#wake(change)
    this.tellOthers(change)
  }

  tellOthers(change: StoreChange): void {
    if (!this.#closed) this.#signals[change].send()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watchers.clear()
    for (const signal of Object.values(this.#signals)) signal.stop()
    this.#endPause?.()
    await this.#listening
  }

  #wake(change: StoreChange): void {
    for (const watcher of this.#watchers) {
      queueMicrotask(() => {
        if (this.#watchers.has(watcher)) watcher(change)
      })
    }
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
      client.on('notification', ({ channel, payload }) => {
        if (payload !== this.#sender) this.#wake(channel === channels.work ? 'work' : 'appended')
      })
      await queryWithin(client, answerMs, `LISTEN ${channels.appended}; LISTEN ${channels.work}`)
      // What was changed while nobody listened has not been signalled.
      this.#wake('work')
      let seen: unknown = null
      while (!this.#closed) {
        const [row] = await queryWithin(client, answerMs, `SELECT max(seq) AS seq FROM hookswitch.events`)
        const newest: unknown = row !== undefined && 'seq' in row ? row.seq : null
        if (newest !== seen) this.#wake('appended')
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

/** Sends at once, and then at most once in so long. */
class Signal {
  readonly #send: () => void
  #timer: NodeJS.Timeout | null = null
  #again = false

  constructor(send: () => void) {
    this.#send = send
  }

  send(): void {
    if (this.#timer !== null) {
      this.#again = true
      return
    }
    this.#again = false
    this.#timer = setTimeout(() => {
      this.#timer = null
      if (this.#again) this.send()
    }, notifyEveryMs).unref()
    this.#send()
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
  }
}
