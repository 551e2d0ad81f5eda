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
  if (isBusy(error)) {
    return new StoreError('unavailable', `another program holds the database file (${detail})`, {
      cause: error,
    })
  }
  if (code === SQLITE_NOTADB) {
    return new StoreError('io', 'the file is not a SQLite database', { cause: error })
  }
  // After a failed sync at the commit, what was written may be there at the next start.
  return new StoreError('io', detail, { cause: error, outcome: 'unknown' })
}

/** Another connection holds what was asked for. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error)
  return code === SQLITE_BUSY || code === SQLITE_LOCKED
}

/** SQLite's extended codes carry the primary one in their low byte. */
export function primaryCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode
  return typeof code === 'number' ? code & 0xff : null
}
