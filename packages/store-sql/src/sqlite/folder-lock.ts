import { DatabaseSync } from 'node:sqlite'
import path from 'node:path'
import { StoreError } from '@hookswitch/core'
import { isBusy, storeFailure } from './failure.ts'

/**
 * Holds a data folder for one process. The lock is SQLite's own exclusive lock on a side file: the operating system
 * frees it when the process ends, however it ends, so there is nothing to clean up after a kill.
 */
export function lockFolder(folder: string): { release(): void } {
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(path.join(folder, 'hookswitch.lock'))
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    if (!isBusy(error)) throw storeFailure(error)
    throw new StoreError(
      'locked',
      `${folder}; stop that process, or give this one a folder of its own with HOOKSWITCH_DATA_DIR`,
      { cause: error },
    )
  }
  const held = database
  return {
    release: () => {
      if (held.isOpen) held.close()
    },
  }
}
