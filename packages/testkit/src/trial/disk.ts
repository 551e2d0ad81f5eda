import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Store } from '@hookswitch/core'
import { openSqlite } from '@hookswitch/store-sql'

/** A trial is about what happens between the writes: where there is a folder in memory it takes that. */
const root = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** The log of changes: 32 bytes, and then each page that was changed with 24 bytes before it. */
const logHeadBytes = 32
const logPageBytes = 24 + 4096

/**
 * A real SQLite store on a disk that loses what was not synced. SQLite writes all changes to one file, its log, one
 * commit after the other, and after a power loss reads from it as much as is whole: a power loss is a log that is cut
 * somewhere behind the last sync.
 */
export class Disk {
  readonly #folder: string
  readonly #clock: () => number
  #store: Store
  #life = 1
  /** Which log of changes this is, how many pages are in it, and in those before it. */
  #salt = ''
  #pages = 0
  #before = 0
  #copied = 0
  #index: number | null = null
  readonly #head = new Uint32Array(25)

  private constructor(folder: string, clock: () => number, store: Store) {
    this.#folder = folder
    this.#clock = clock
    this.#store = store
  }

  static async open(clock: () => number): Promise<Disk> {
    const folder = mkdtempSync(path.join(root, 'hookswitch-trial-'))
    try {
      return new Disk(folder, clock, await openIn(path.join(folder, '1'), clock))
    } catch (error) {
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }

  get store(): Store {
    return this.#store
  }

  /** Counts the power losses; the store of an earlier life is closed. */
  get life(): number {
    return this.#life
  }

  /** How much has been written up to now: what is committed lies before this. */
  get position(): number {
    this.#look()
    return this.#before + this.#pages
  }

  /** What lies before this cannot be lost: it has been copied into the database, after a sync. */
  get copied(): number {
    this.#look()
    return this.#before + this.#copied
  }

  /** The power fails, and comes back: what lies behind `position` is gone. */
  async lose(position: number): Promise<void> {
    const database = readFileSync(path.join(this.#place, 'hookswitch.db'))
    const log = readFileSync(this.#log).subarray(0, logHeadBytes + (position - this.#before) * logPageBytes)
    await this.#close()
    rmSync(this.#place, { recursive: true })
    this.#life += 1
    mkdirSync(this.#place)
    writeFileSync(path.join(this.#place, 'hookswitch.db'), database)
    writeFileSync(this.#log, log)
    this.#pages = position - this.#before
    this.#store = await openIn(this.#place, this.#clock)
  }

  /** Reads what no port shows: what lies in the tables. */
  look<T>(read: (database: DatabaseSync) => T): T {
    const database = new DatabaseSync(path.join(this.#place, 'hookswitch.db'), { readOnly: true })
    try {
      return read(database)
    } finally {
      database.close()
    }
  }

  async dispose(): Promise<void> {
    await this.#close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #close(): Promise<void> {
    if (this.#index !== null) closeSync(this.#index)
    this.#index = null
    return this.#store.close()
  }

  /** SQLite keeps account of its log in a file beside it, in words of 32 bits (https://sqlite.org/walformat.html). */
  #look(): void {
    this.#index ??= openSync(path.join(this.#place, 'hookswitch.db-shm'), 'r')
    readSync(this.#index, this.#head, 0, this.#head.byteLength, 0)
    const salt = `${this.#head[8]} ${this.#head[9]}`
    if (salt !== this.#salt) {
      // A log begins anew only when all of the one before it has been copied.
      this.#before += this.#pages
      this.#salt = salt
    }
    this.#pages = this.#head[4] ?? 0
    this.#copied = this.#head[24] ?? 0
  }

  get #place(): string {
    return path.join(this.#folder, String(this.#life))
  }

  get #log(): string {
    return path.join(this.#place, 'hookswitch.db-wal')
  }
}

function openIn(folder: string, clock: () => number): Promise<Store> {
  return openSqlite({ folder, freeBytesMin: 0, clock })
}
