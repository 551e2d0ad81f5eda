// Loaded before the server, in each of its threads: every transaction of SQLite that writes takes 2 ms longer to
// commit, as on a disk that is slower. The thread that commits waits, as it would for the disk.
import { DatabaseSync } from 'node:sqlite'

const addedMs = 2

/** Those in a transaction that was begun in order to write; reads commit too, and no disk is waited for. */
const writing = new WeakSet<DatabaseSync>()
const never = new Int32Array(new SharedArrayBuffer(4))
const execute = DatabaseSync.prototype.exec

DatabaseSync.prototype.exec = function exec(this: DatabaseSync, sql: string): void {
  if (sql === 'COMMIT' && writing.has(this)) Atomics.wait(never, 0, 0, addedMs)
  execute.call(this, sql)
  if (sql === 'BEGIN IMMEDIATE') writing.add(this)
  else if (sql === 'COMMIT' || sql === 'ROLLBACK') writing.delete(this)
}
