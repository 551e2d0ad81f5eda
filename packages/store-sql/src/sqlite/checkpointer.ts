import { DatabaseSync } from 'node:sqlite'

/**
 * Copies the write-ahead log into the database file from a connection of its own, in the thread that reads. The
 * writer goes on meanwhile; left to itself it would stop for it in the middle of a commit, for tens of milliseconds.
 */
export class Checkpointer {
  readonly #file: string
  readonly #timer: NodeJS.Timeout
  #database: DatabaseSync | null = null

  constructor(file: string) {
    this.#file = file
    this.#timer = setInterval(() => this.#checkpoint(), everyMs).unref()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#disconnect()
  }

  #checkpoint(): void {
    try {
      this.#database ??= new DatabaseSync(this.#file)
      // PASSIVE waits for nobody: what is being read or written stays in the log until the next time.
      this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)')
    } catch {
      // A full or failing disk shows itself where events are written; here the next round tries again.
      this.#disconnect()
    }
  }

  #disconnect(): void {
    if (this.#database?.isOpen === true) this.#database.close()
    this.#database = null
  }
}

/** Often enough that a round copies little, seldom enough that pages that are written again and again are copied once. */
const everyMs = 500
