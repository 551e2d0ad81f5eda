import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { StoredSecret } from '@hookswitch/core'
import { storedSecret, type SecretRow } from '../rows.ts'

/** The secrets of the sources, as hashes. */
export class SecretTable {
  readonly #list: StatementSync
  readonly #add: StatementSync
  readonly #find: StatementSync
  readonly #expire: StatementSync
  readonly #remove: StatementSync
  readonly #touch: StatementSync

  constructor(database: DatabaseSync) {
    this.#list = database.prepare(`SELECT * FROM secrets ORDER BY created_at, id`)
    this.#add = database.prepare(
      `INSERT INTO secrets (id, source, hash, origin, label, created_at, expires_at, last_used_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, hash) DO NOTHING`,
    )
    this.#find = database.prepare(`SELECT * FROM secrets WHERE source = ? AND hash = ?`)
    this.#expire = database.prepare(`UPDATE secrets SET expires_at = ? WHERE source = ? AND id = ?`)
    this.#remove = database.prepare(`DELETE FROM secrets WHERE source = ? AND id = ?`)
    this.#touch = database.prepare(
      `UPDATE secrets SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?`,
    )
  }

  list(): StoredSecret[] {
    return (this.#list.all() as unknown as SecretRow[]).map(storedSecret)
  }

  add(secret: StoredSecret): StoredSecret {
    const { id, source, hash, origin, label, createdAt, expiresAt, lastUsedAt } = secret
    this.#add.run(id, source, hash, origin, label, createdAt, expiresAt, lastUsedAt)
    return storedSecret(this.#find.get(source, hash) as unknown as SecretRow)
  }

  expire(source: string, id: string, expiresAt: number): boolean {
    return this.#expire.run(expiresAt, source, id).changes > 0
  }

  remove(source: string, id: string): boolean {
    return this.#remove.run(source, id).changes > 0
  }

  touch(uses: readonly { id: string; lastUsedAt: number }[]): void {
    for (const { id, lastUsedAt } of uses) this.#touch.run(lastUsedAt, id)
  }
}
