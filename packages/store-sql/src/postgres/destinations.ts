import {
  freshFlow,
  held,
  resumed,
  resumedByChange,
  type DestinationDefinition,
  type DestinationName,
  type DestinationVersion,
  type Hold,
  type NewDestination,
  type StoredDestination,
} from '@hookswitch/core'
import {
  countedMax,
  destinationName,
  destinationVersion,
  removedReason,
  sameDefinition,
  storedDestination,
  type DestinationNameRow,
  type DestinationRow,
  type DestinationVersionRow,
} from '../delivery-rows.ts'
import type { Query } from './connections.ts'
import { endDeliveries } from './lanes.ts'
import { canBeStored } from './text.ts'

/**
 * Destinations and their versions. Whoever changes one holds the row of `fold_state`, as the fold does while it
 * commits: the place from which a version counts is exact, and a stretch that was routed by another list is refused.
 * That row is always locked before any other, and nobody waits for it who holds one.
 */

/** The column `terms` of a destination. */
export type DeliveryTerms = Pick<DestinationDefinition, 'onExhausted' | 'limits'>

export async function listDestinations(query: Query, name: string | null): Promise<StoredDestination[]> {
  const rows =
    name === null
      ? await query<DestinationRow>(`SELECT * FROM hookswitch.destinations ORDER BY key`)
      : await query<DestinationRow>(`SELECT * FROM hookswitch.destinations WHERE name = $1`, [name])
  return rows.map(storedDestination)
}

/** In a transaction. */
export async function addDestination(
  query: Query,
  { id, origin, definition, sealedSecrets }: NewDestination,
): Promise<StoredDestination | null> {
  const place = await lockRouting(query)
  const [row] = await query<DestinationRow>(
    `INSERT INTO hookswitch.destinations
       (id, name, origin, version, definition, terms, sealed_secrets, flow, created_at, updated_at)
     SELECT $1, $2, $3, 1, $4, $5, $6, $7, now, now FROM hookswitch.now_ms() AS now
     ON CONFLICT (name) DO NOTHING RETURNING *`,
    [
      id,
      definition.name,
      origin,
      JSON.stringify(definition),
      termsOf(definition),
      sealedSecrets,
      JSON.stringify(freshFlow),
    ],
  )
  if (row === undefined) return null
  const added = storedDestination(row)
  await writeVersion(query, place, added, added.definition)
  return added
}

/** In a transaction. */
export async function changeDestination(
  query: Query,
  id: string,
  version: number,
  { definition, sealedSecrets }: { definition: DestinationDefinition; sealedSecrets: string | null },
): Promise<StoredDestination | 'changed' | 'not_found' | 'name_taken'> {
  const place = await lockRouting(query)
  const before = await lockDestination(query, id)
  if (before === null) return 'not_found'
  if (before.version !== version) return 'changed'
  const isSame = sameDefinition(before.definition, definition) && before.sealedSecrets === sealedSecrets
  // One that is not routed to at present comes back with this, also where it says what it said before.
  if (isSame && (await isRouted(query, before))) return before
  const others = await query(`SELECT FROM hookswitch.destinations WHERE name = $1 AND key <> $2`, [
    definition.name,
    before.key,
  ])
  if (others.length > 0) return 'name_taken'
  const [row] = await query<DestinationRow>(
    `UPDATE hookswitch.destinations
     SET name = $2, definition = $3, terms = $4, sealed_secrets = $5, flow = $6, updated_at = hookswitch.now_ms()
     WHERE key = $1 RETURNING *`,
    [
      before.key,
      definition.name,
      JSON.stringify(definition),
      termsOf(definition),
      sealedSecrets,
      JSON.stringify(resumedByChange(before.flow)),
    ],
  )
  return addVersion(query, place, row === undefined ? before : storedDestination(row), definition)
}

function termsOf({ onExhausted, limits }: DestinationDefinition): string {
  return JSON.stringify({ onExhausted, limits } satisfies DeliveryTerms)
}

/** In a transaction. */
export async function holdDestination(
  query: Query,
  id: string,
  hold: Omit<Hold, 'since'> | null,
): Promise<StoredDestination | null> {
  const place = await lockRouting(query)
  const before = await lockDestination(query, id)
  return before === null ? null : setHold(query, place, before, hold)
}

async function setHold(
  query: Query,
  place: number,
  before: StoredDestination,
  hold: Omit<Hold, 'since'> | null,
): Promise<StoredDestination> {
  const flow = hold === null ? resumed(before.flow) : held(before.flow, hold, await nowMs(query))
  await query(`UPDATE hookswitch.destinations SET flow = $2 WHERE key = $1`, [
    before.key,
    JSON.stringify(flow),
  ])
  const after = { ...before, flow }
  const wasRouted = await isRouted(query, before)
  if (wasRouted && flow.hold?.reason === 'removed') return addVersion(query, place, after, null)
  if (!wasRouted && hold === null) return addVersion(query, place, after, after.definition)
  return after
}

/** In a transaction: one step of a removal. */
export async function removeDestination(
  query: Query,
  id: string,
  undelivered: 'refuse' | 'skip' | 'dead',
  deliveriesMax: number,
): Promise<{ remaining: number } | null> {
  const place = await lockRouting(query)
  // Waits here, before lanes are locked, for a retry or a replay that needs the destination to be there.
  const destination = await lockDestination(query, id, 'FOR UPDATE')
  if (destination === null) return null
  const { key } = destination
  if (undelivered !== 'refuse') {
    const waiting = await query<{ key: number }>(
      `SELECT key FROM hookswitch.deliveries WHERE destination_key = $1 AND state = 'pending'
       ORDER BY lane_key, position LIMIT $2`,
      [key, deliveriesMax],
    )
    await endDeliveries(
      query,
      waiting.map((delivery) => delivery.key),
      { state: undelivered === 'skip' ? 'skipped' : 'dead', reason: removedReason, claimed: true },
    )
  }
  const remaining = await countPending(query, key)
  if (remaining > 0) {
    // Until the rest is done nothing more is to join it, and nothing of it is sent.
    if (undelivered !== 'refuse') {
      await setHold(query, place, destination, { reason: 'removed', until: null, detail: removedReason })
    }
    return { remaining }
  }
  if (await isRouted(query, destination)) await addVersion(query, place, destination, null)
  await query(
    `UPDATE hookswitch.replays SET state = 'cancelled', finished_at = hookswitch.now_ms()
     WHERE destination_key = $1 AND state = 'running'`,
    [key],
  )
  await query(`DELETE FROM hookswitch.destinations WHERE key = $1`, [key])
  return { remaining: 0 }
}

export async function destinationVersions(query: Query, seq: number): Promise<DestinationVersion[]> {
  const rows = await query<DestinationVersionRow>(
    // The version in force is the last that is not after the event: several may begin at one place of the log.
    `SELECT v.* FROM (
       SELECT destination_key, max(version) AS latest,
              max(version) FILTER (WHERE from_seq <= $1) AS valid, min(version) FILTER (WHERE from_seq > $1) AS next
       FROM hookswitch.destination_versions GROUP BY destination_key
     ) d
     JOIN hookswitch.destination_versions v
       ON v.destination_key = d.destination_key AND v.version IN (d.valid, d.next, d.latest)
     ORDER BY v.destination_key, v.version`,
    [seq],
  )
  return rows.map(destinationVersion)
}

export async function destinationNames(
  query: Query,
  wanted: { keys: readonly number[] } | { idOrName: string },
): Promise<DestinationName[]> {
  if ('idOrName' in wanted && !canBeStored(wanted.idOrName)) return []
  const rows = await query<DestinationNameRow>(
    `SELECT destination_key, id, name FROM hookswitch.destination_versions v
     WHERE ${'keys' in wanted ? 'destination_key = ANY ($1)' : '(id = $1 OR name = $1)'} AND NOT EXISTS (
       SELECT FROM hookswitch.destination_versions later
       WHERE later.destination_key = v.destination_key AND later.version > v.version)
     ORDER BY destination_key`,
    ['keys' in wanted ? wanted.keys : wanted.idOrName],
  )
  return rows.map(destinationName)
}

/** Lets nothing be folded, and returns the first place of the log that is not routed yet. */
export async function lockRouting(query: Query): Promise<number> {
  const [row] = await query<{ folded_seq: number }>(`SELECT folded_seq FROM hookswitch.fold_state FOR UPDATE`)
  return (row?.folded_seq ?? 0) + 1
}

async function lockDestination(
  query: Query,
  id: string,
  lock: 'FOR NO KEY UPDATE' | 'FOR UPDATE' = 'FOR NO KEY UPDATE',
): Promise<StoredDestination | null> {
  if (!canBeStored(id)) return null
  const [row] = await query<DestinationRow>(`SELECT * FROM hookswitch.destinations WHERE id = $1 ${lock}`, [
    id,
  ])
  return row === undefined ? null : storedDestination(row)
}

async function nowMs(query: Query): Promise<number> {
  const [row] = await query<{ now: number }>(`SELECT hookswitch.now_ms() AS now`)
  return row?.now ?? 0
}

/** Whether events are routed to it: not while it is absent from the config file, or is being removed. */
async function isRouted(query: Query, { key, version }: StoredDestination): Promise<boolean> {
  const [row] = await query<{ routed: boolean }>(
    `SELECT definition IS NOT NULL AS routed FROM hookswitch.destination_versions
     WHERE destination_key = $1 AND version = $2`,
    [key, version],
  )
  return row?.routed === true
}

/** Notes what a destination is from this place of the log on, and that the list of what is routed to has changed. */
async function addVersion(
  query: Query,
  fromSeq: number,
  before: StoredDestination,
  definition: DestinationDefinition | null,
): Promise<StoredDestination> {
  const version = before.version + 1
  await query(`UPDATE hookswitch.destinations SET version = $2 WHERE key = $1`, [before.key, version])
  await writeVersion(query, fromSeq, { ...before, version }, definition)
  return { ...before, version }
}

async function writeVersion(
  query: Query,
  fromSeq: number,
  { key, id, version, definition: before }: StoredDestination,
  definition: DestinationDefinition | null,
): Promise<void> {
  await query(
    `INSERT INTO hookswitch.destination_versions (destination_key, version, id, from_seq, at, name, definition)
     VALUES ($1, $2, $3, $4, hookswitch.now_ms(), $5, $6)`,
    [
      key,
      version,
      id,
      fromSeq,
      (definition ?? before).name,
      definition === null ? null : JSON.stringify(definition),
    ],
  )
  await countRouting(query)
}

/** By whoever holds the row of `fold_state`: what a fold has read is read again before it is written. */
export async function countRouting(query: Query): Promise<void> {
  await query(`UPDATE hookswitch.routing_state SET version = version + 1`)
}

/** Up to `countedMax`. */
async function countPending(query: Query, key: number): Promise<number> {
  const [row] = await query<{ count: number }>(
    `SELECT count(*) FROM (
       SELECT FROM hookswitch.deliveries WHERE destination_key = $1 AND state = 'pending' LIMIT ${countedMax}
     ) pending`,
    [key],
  )
  return row?.count ?? 0
}
