import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { AuditEntry } from '@hookswitch/core'
import { auditEntry, type AuditRow } from '../delivery-rows.ts'

/** What people did by hand. */
export class AuditTable {
  readonly #add: StatementSync
  readonly #list: StatementSync

  constructor(database: DatabaseSync) {
    this.#add = database.prepare(
      `INSERT INTO audit (at, actor, action, target, reason, detail) VALUES (?, ?, ?, ?, ?, ?)`,
    )
    this.#list = database.prepare(`SELECT * FROM audit WHERE key < ? ORDER BY key DESC LIMIT ?`)
  }

  add({ actor, action, target, reason, detail }: Omit<AuditEntry, 'key' | 'at'>, now: number): void {
    this.#add.run(now, actor, action, target, reason, detail === null ? null : JSON.stringify(detail))
  }

  list({ before, limit }: { before: number | null; limit: number }): AuditEntry[] {
    return (this.#list.all(before ?? Number.MAX_SAFE_INTEGER, limit) as unknown as AuditRow[]).map(auditEntry)
  }
}
