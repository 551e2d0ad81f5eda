import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { AgentDefinition, NewAgent, StoredAgent } from '@hookswitch/core'
import { sameDefinition } from '../delivery-rows.ts'
import { storedAgent, type AgentRow } from '../publish-rows.ts'

/** The agents that were made over the API. Call within a transaction. */
export class AgentTable {
  readonly #list: StatementSync
  readonly #byId: StatementSync
  readonly #insert: StatementSync
  readonly #update: StatementSync
  readonly #delete: StatementSync

  constructor(database: DatabaseSync) {
    this.#list = database.prepare(`SELECT * FROM agents WHERE key > ? ORDER BY key LIMIT ?`)
    this.#byId = database.prepare(`SELECT * FROM agents WHERE id = ?`)
    this.#insert = database.prepare(
      `INSERT INTO agents (id, version, definition, created_at, updated_at) VALUES (?1, 1, ?2, ?3, ?3)
       ON CONFLICT (id) DO NOTHING RETURNING *`,
    )
    this.#update = database.prepare(
      `UPDATE agents SET version = version + 1, definition = ?, updated_at = ? WHERE key = ? RETURNING *`,
    )
    this.#delete = database.prepare(`DELETE FROM agents WHERE id = ?`)
  }

  list(after: number, limit: number): StoredAgent[] {
    return (this.#list.all(after, limit) as unknown as AgentRow[]).map(storedAgent)
  }

  get(id: string): StoredAgent | null {
    return agent(this.#byId.get(id))
  }

  add({ id, definition }: NewAgent, now: number): StoredAgent | null {
    return agent(this.#insert.get(id, JSON.stringify(definition), now))
  }

  change(
    id: string,
    version: number,
    definition: AgentDefinition,
    now: number,
  ): StoredAgent | 'changed' | 'not_found' {
    const stored = this.get(id)
    if (stored === null) return 'not_found'
    if (stored.version !== version) return 'changed'
    if (sameDefinition(stored.definition, definition)) return stored
    return agent(this.#update.get(JSON.stringify(definition), now, stored.key)) ?? 'not_found'
  }

  remove(id: string): boolean {
    return this.#delete.run(id).changes > 0
  }
}

function agent(row: unknown): StoredAgent | null {
  return row === undefined ? null : storedAgent(row as AgentRow)
}
