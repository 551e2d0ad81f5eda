import path from 'node:path'

/** The one file of the store, in its data folder; SQLite keeps its log and index of it beside. */
export function databaseFile(folder: string): string {
  return path.join(folder, 'hookswitch.db')
}
