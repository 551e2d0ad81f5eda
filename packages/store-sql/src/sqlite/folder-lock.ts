import { DatabaseSync } from 'node:sqlite'
import path from 'node:path'
import { StoreError } from '@hookswitch/core'

/**
 * Holds a data folder for one process. The lock is SQLite's own exclusive lock on a side file: the operating system
 * frees it when the process ends, however it ends, so there is nothing to clean up after a kill.
 */
export function lockFolder(folder: string): { release(): void } {
  const database = new DatabaseSync(path.join(folder, 'hookswitch.lock'))
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw new StoreError(
      'locked',
      `${folder}; stop that process, or give this one a folder of its own with HOOKSWITCH_DATA_DIR`,
      { cause: error },
    )
  }
  return {
    release: () => {
      if (database.isOpen) database.close()
    },
  }
}
