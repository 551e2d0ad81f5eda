import { StoreError } from '@hookswitch/core'

const SQLITE_FULL = 13
const SQLITE_BUSY = 5
const SQLITE_LOCKED = 6
const SQLITE_NOTADB = 26

/** Turns what `node:sqlite` throws into a `StoreError`. Its messages name tables and files, never values. */
export function storeFailure(error: unknown): StoreError {
  if (error instanceof StoreError) return error
  const code = primaryCode(error)
  const detail = error instanceof Error ? error.message : String(error)
  if (code === SQLITE_FULL) return new StoreError('full', detail, { cause: error })
  if (code === SQLITE_BUSY || code === SQLITE_LOCKED) {
    return new StoreError('unavailable', `another program holds the database file (${detail})`, {
      cause: error,
    })
  }
  if (code === SQLITE_NOTADB) {
    return new StoreError('io', 'the file is not a SQLite database', { cause: error })
  }
  return new StoreError('io', detail, { cause: error })
}

/** SQLite's extended codes carry the primary one in their low byte. */
export function primaryCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : null
}
