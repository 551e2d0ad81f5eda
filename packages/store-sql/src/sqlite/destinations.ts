import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  freshFlow,
  held,
  resumed,
  resumedByChange,
  type DestinationDefinition,
  type DestinationFlow,
  type DestinationName,
  type DestinationVersion,
  type Hold,
  type NewDestination,
  type RoutedDestination,
  type StoredDestination,
} from '@hookswitch/core'
import {
  countedMax,
  destinationName,
  destinationVersion,
  removedReason,
  sameDefinition,
  storedDestination,
  type DeliveryRow,
  type DestinationNameRow,
  type DestinationRow,
  type DestinationVersionRow,
} from '../delivery-rows.ts'
import type { LaneTable } from './lanes.ts'

/** The destinations, their dated versions, and the list of those that are routed to. Call within a transaction. */
export class DestinationTable {
  readonly #lanes: LaneTable
  readonly #list: StatementSync
  readonly #byName: StatementSync
  readonly #byId: StatementSync
  readonly #byKey: StatementSync
  readonly #insert: StatementSync
  readonly #update: StatementSync
  readonly #setVersion: StatementSync
  readonly #setFlow: StatementSync
  readonly #delete: StatementSync
  readonly #insertVersion: StatementSync
  readonly #isRouted: StatementSync
  readonly #versionsAt: StatementSync
  readonly #namesOfKeys: StatementSync
  readonly #named: StatementSync
  readonly #routing: StatementSync
  readonly #countRouting: StatementSync
  readonly #routed: StatementSync
  readonly #countPending: StatementSync
  readonly #pending: StatementSync
  readonly #cancelReplays: StatementSync
  #cached: { routing: number; destinations: RoutedDestination[] } | null = null

  constructor(database: DatabaseSync, lanes: LaneTable) {
    this.#lanes = lanes
    this.#list = database.prepare(`SELECT * FROM destinations ORDER BY key`)
    this.#byName = database.prepare(`SELECT * FROM destinations WHERE name = ?`)
    this.#byId = database.prepare(`SELECT * FROM destinations WHERE id = ?`)
    this.#byKey = database.prepare(`SELECT * FROM destinations WHERE key = ?`)
    this.#insert = database.prepare(
      `INSERT INTO destinations (id, name, origin, version, definition, sealed_secrets, flow, created_at, updated_at)
       VALUES (?1, ?2, ?3, 1, ?4, ?5, ?6, ?7, ?7) ON CONFLICT DO NOTHING RETURNING *`,
    )
    this.#update = database.prepare(
      `UPDATE OR IGNORE destinations SET name = ?, definition = ?, sealed_secrets = ?, flow = ?, updated_at = ?
       WHERE key = ?`,
    )
    this.#setVersion = database.prepare(`UPDATE destinations SET version = ? WHERE key = ?`)
    this.#setFlow = database.prepare(`UPDATE destinations SET flow = ? WHERE key = ?`)
    this.#delete = database.prepare(`DELETE FROM destinations WHERE key = ?`)
    this.#insertVersion = database.prepare(
      `INSERT INTO destination_versions (destination_key, version, id, from_seq, at, name, definition)
       VALUES (?, ?, ?, (SELECT folded_seq + 1 FROM fold_state), ?, ?, ?)`,
    )
    this.#isRouted = database.prepare(
      `SELECT 1 FROM destination_versions WHERE destination_key = ? AND version = ? AND definition IS NOT NULL`,
    )
    // The version in force is the last that is not after the event: several may begin at one place of the log.
    this.#versionsAt = database.prepare(
      `SELECT v.* FROM (
         SELECT destination_key, max(version) AS latest,
           max(version) FILTER (WHERE from_seq <= ?1) AS valid, min(version) FILTER (WHERE from_seq > ?1) AS next
         FROM destination_versions GROUP BY destination_key) d
       JOIN destination_versions v
         ON v.destination_key = d.destination_key AND v.version IN (d.valid, d.next, d.latest)
       ORDER BY v.destination_key, v.version`,
    )
    const latestNames = `SELECT destination_key, id, name FROM destination_versions v
      WHERE version = (SELECT max(version) FROM destination_versions w WHERE w.destination_key = v.destination_key)`
    this.#namesOfKeys = database.prepare(
      `${latestNames} AND destination_key IN (SELECT value FROM json_each(?)) ORDER BY destination_key`,
    )
    this.#named = database.prepare(`${latestNames} AND (id = ?1 OR name = ?1) ORDER BY destination_key`)
    this.#routing = database.prepare(`SELECT version FROM routing_state`)
    this.#countRouting = database.prepare(`UPDATE routing_state SET version = version + 1`)
    this.#routed = database.prepare(
      `SELECT d.key, d.definition FROM destinations d
       JOIN destination_versions v ON v.destination_key = d.key AND v.version = d.version
       WHERE v.definition IS NOT NULL ORDER BY d.key`,
    )
    this.#countPending = database.prepare(
      `SELECT count(*) AS pending FROM (
         SELECT 1 FROM deliveries WHERE destination_key = ? AND state = 'pending' LIMIT ${countedMax})`,
    )
    this.#pending = database.prepare(
      `SELECT * FROM deliveries INDEXED BY deliveries_state
       WHERE destination_key = ? AND state = 'pending' ORDER BY key LIMIT ?`,
    )
    this.#cancelReplays = database.prepare(
      `UPDATE replays SET state = 'cancelled', finished_at = ? WHERE state = 'running' AND destination_key = ?`,
    )
  }

  list(name: string | null = null): StoredDestination[] {
    const rows = name === null ? this.#list.all() : this.#byName.all(name)
    return (rows as unknown as DestinationRow[]).map(storedDestination)
  }

  /** Unparsed: a row is read with every send. */
  row(key: number): DestinationRow | undefined {
    return this.#byKey.get(key) as unknown as DestinationRow | undefined
  }

  setFlow(key: number, flow: DestinationFlow): void {
    this.#setFlow.run(JSON.stringify(flow), key)
  }

  add(destination: NewDestination, now: number): StoredDestination | null {
    const { id, origin, definition, sealedSecrets } = destination
    const definitionText = JSON.stringify(definition)
    const row = this.#insert.get(
      id,
      definition.name,
      origin,
      definitionText,
      sealedSecrets,
      JSON.stringify(freshFlow),
      now,
    ) as unknown as DestinationRow | undefined
    if (row === undefined) return null
    this.#insertVersion.run(row.key, row.version, id, now, definition.name, definitionText)
    this.#countRouting.run()
    return storedDestination(row)
  }

  change(
    id: string,
    version: number,
    { definition, sealedSecrets }: { definition: DestinationDefinition; sealedSecrets: string | null },
    now: number,
  ): StoredDestination | 'changed' | 'not_found' | 'name_taken' {
    const stored = this.#find(id)
    if (stored === undefined) return 'not_found'
    if (stored.version !== version) return 'changed'
    const isSame = sealedSecrets === stored.sealedSecrets && sameDefinition(stored.definition, definition)
    // One that is not routed to at present comes back with this, also where it says what it said before.
    if (isSame && this.#isNowRouted(stored)) return stored
    const flow = resumedByChange(stored.flow)
    const { changes } = this.#update.run(
      definition.name,
      JSON.stringify(definition),
      sealedSecrets,
      JSON.stringify(flow),
      now,
      stored.key,
    )
    if (changes === 0) return 'name_taken'
    this.#addVersion(stored, definition, now)
    return this.#find(id) as StoredDestination
  }

  hold(id: string, hold: Omit<Hold, 'since'> | null, now: number): StoredDestination | null {
    const stored = this.#find(id)
    if (stored === undefined) return null
    const flow = hold === null ? resumed(stored.flow) : held(stored.flow, hold, now)
    if (flow !== stored.flow) this.setFlow(stored.key, flow)
    const isRouted = this.#isNowRouted(stored)
    if (isRouted && flow.hold?.reason === 'removed') this.#addVersion(stored, null, now)
    if (!isRouted && hold === null) this.#addVersion(stored, stored.definition, now)
    return this.#find(id) as StoredDestination
  }

  remove(
    id: string,
    undelivered: 'refuse' | 'skip' | 'dead',
    deliveriesMax: number,
    now: number,
  ): { remaining: number } | null {
    const stored = this.#find(id)
    if (stored === undefined) return null
    if (undelivered !== 'refuse') {
      const ended = this.#pending.all(stored.key, deliveriesMax) as unknown as DeliveryRow[]
      const state = undelivered === 'skip' ? 'skipped' : 'dead'
      for (const delivery of ended) this.#lanes.passOver(delivery, state, removedReason, now)
    }
    const { pending } = this.#countPending.get(stored.key) as { pending: number }
    if (pending === 0) {
      if (this.#isNowRouted(stored)) this.#addVersion(stored, null, now)
      this.#cancelReplays.run(now, stored.key)
      this.#delete.run(stored.key)
    } else if (undelivered !== 'refuse') {
      // Until the rest is done nothing more is to join it.
      this.hold(id, { reason: 'removed', until: null, detail: removedReason }, now)
    }
    return { remaining: pending }
  }

  versionsAt(seq: number): DestinationVersion[] {
    return (this.#versionsAt.all(seq) as unknown as DestinationVersionRow[]).map(destinationVersion)
  }

  names(wanted: { keys: readonly number[] } | { idOrName: string }): DestinationName[] {
    const rows =
      'keys' in wanted ? this.#namesOfKeys.all(JSON.stringify(wanted.keys)) : this.#named.all(wanted.idOrName)
    return (rows as unknown as DestinationNameRow[]).map(destinationName)
  }

  /** Those that are routed to; parsed again only after a change. */
  routed(): { routing: number; destinations: readonly RoutedDestination[] } {
    const routing = this.routing()
    if (this.#cached?.routing !== routing) {
      const rows = this.#routed.all() as unknown as { key: number; definition: string }[]
      this.#cached = {
        routing,
        destinations: rows.map(({ key, definition }) => ({
          key,
          definition: JSON.parse(definition) as DestinationDefinition,
        })),
      }
    }
    return this.#cached
  }

  routing(): number {
    return (this.#routing.get() as { version: number }).version
  }

  /** What a fold has read is read again before it is written. */
  countRouting(): void {
    this.#countRouting.run()
  }

  #find(id: string): StoredDestination | undefined {
    const row = this.#byId.get(id) as unknown as DestinationRow | undefined
    return row === undefined ? undefined : storedDestination(row)
  }

  #isNowRouted({ key, version }: StoredDestination): boolean {
    return this.#isRouted.get(key, version) !== undefined
  }

  #addVersion(
    { key, id, version, definition: before }: StoredDestination,
    definition: DestinationDefinition | null,
    now: number,
  ): void {
    this.#setVersion.run(version + 1, key)
    this.#insertVersion.run(
      key,
      version + 1,
      id,
      now,
      (definition ?? before).name,
      definition === null ? null : JSON.stringify(definition),
    )
    this.countRouting()
  }
}
