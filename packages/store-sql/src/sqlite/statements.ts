import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** Past this many shapes those that were prepared are forgotten and prepared anew. */
const shapesMax = 100

/** Prepared statements of queries that are put together from what is asked for: their shapes are few. */
export class Statements {
  readonly #database: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  of(sql: string): StatementSync {
    let statement = this.#prepared.get(sql)
    if (statement === undefined) {
      if (this.#prepared.size >= shapesMax) this.#prepared.clear()
      statement = this.#database.prepare(sql)
      this.#prepared.set(sql, statement)
    }
    return statement
  }
}

/** The keys that a statement finds. */
export function keysOf(rows: Iterable<unknown>): number[] {
  return Array.from(rows as Iterable<{ key: number }>, ({ key }) => key)
}

/**
 * Goes from destination to destination in an index that begins with them, by one seek each.
 *
 * @param next finds the least destination key above the one given, as `key`; null after the last.
 */
export function* eachDestination(next: StatementSync): Generator<number> {
  let key: number | null = 0
  while ((key = (next.get(key) as { key: number | null }).key) !== null) yield key
}
