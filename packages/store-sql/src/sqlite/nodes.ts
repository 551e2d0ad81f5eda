import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { epochLapsesMs } from '@hookswitch/core'
import { lapsedEpochKeptMs } from '../delivery-rows.ts'

/** Whose claims are good. Call within a transaction. */
export class NodeTable {
  readonly #beatAt: StatementSync
  readonly #beat: StatementSync
  readonly #end: StatementSync
  readonly #endAll: StatementSync
  readonly #free: StatementSync
  readonly #freeAll: StatementSync
  readonly #forget: StatementSync

  constructor(database: DatabaseSync) {
    this.#beatAt = database.prepare(`SELECT beat_at FROM nodes WHERE epoch = ?`)
    this.#beat = database.prepare(
      `INSERT INTO nodes (epoch, beat_at) VALUES (?, ?) ON CONFLICT (epoch) DO UPDATE SET beat_at = excluded.beat_at`,
    )
    this.#end = database.prepare(`UPDATE nodes SET beat_at = min(beat_at, ?) WHERE epoch = ?`)
    this.#endAll = database.prepare(`UPDATE nodes SET beat_at = min(beat_at, ?)`)
    this.#freeAll = database.prepare(`UPDATE lanes SET epoch = NULL WHERE epoch IS NOT NULL`)
    this.#free = database.prepare(
      `UPDATE lanes INDEXED BY lanes_claimed SET epoch = NULL
       WHERE epoch IS NOT NULL AND epoch IN (SELECT epoch FROM nodes WHERE beat_at <= ?)`,
    )
    this.#forget = database.prepare(`DELETE FROM nodes WHERE beat_at < ?`)
  }

  /** @returns whether the epoch is alive, and how many lanes of others were freed. */
  beat(epoch: string, now: number): { alive: boolean; freed: number } {
    const row = this.#beatAt.get(epoch) as { beat_at: number } | undefined
    const alive = row === undefined || !hasLapsed(row.beat_at, now)
    if (alive) this.#beat.run(epoch, now)
    const freed = this.#freeLapsed(now)
    this.#forget.run(now - lapsedEpochKeptMs)
    return { alive, freed }
  }

  isAlive(epoch: string, now: number): boolean {
    const row = this.#beatAt.get(epoch) as { beat_at: number } | undefined
    return row !== undefined && !hasLapsed(row.beat_at, now)
  }

  /** Lets an epoch lapse now. */
  end(epoch: string, now: number): void {
    this.#end.run(now - epochLapsesMs, epoch)
    this.#freeLapsed(now)
  }

  /** Lets all epochs lapse now: of those that were before this process none is left. */
  endAll(now: number): void {
    this.#endAll.run(now - epochLapsesMs)
    this.#freeAll.run()
  }

  #freeLapsed(now: number): number {
    return Number(this.#free.run(now - epochLapsesMs).changes)
  }
}

function hasLapsed(beatAt: number, now: number): boolean {
  return beatAt <= now - epochLapsesMs
}
