import { keysKeptMs, type CallProgress, type RetentionCutoffs, type RetentionReport } from '@hookswitch/core'
import type { CallHead } from '@hookswitch/events'
import type { Query } from './connections.ts'

/** One chunk ends after so many bytes of bodies: a large one is in many rows of its own. */
const bodyBytesMax = 16 * 1024 * 1024

/** Removes what is too old, class by class, a bounded number of rows with each call. */
export class Retention {
  /** How far the pass has come among what may have to stay: the next chunk goes on from there. */
  #transcript = callStart
  #record = callStart
  #startedCall = callStart

  /**
   * In a transaction: removes one chunk. One node does so at a time, and what others hold at this moment is left for
   * later, so that nobody waits for this for longer than a chunk takes.
   */
  async retain(query: Query, cutoffs: RetentionCutoffs, rowsMax: number): Promise<RetentionReport> {
    const report: RetentionReport = {
      attempts: 0,
      deliveries: 0,
      transcripts: 0,
      records: 0,
      events: 0,
      keys: 0,
      more: false,
    }
    const [turn] = await query<{ mine: boolean; keys_before: number }>(
      `SELECT pg_try_advisory_xact_lock(hashtext('hookswitch'), 3) AS mine,
              least($1, hookswitch.now_ms() - $2) AS keys_before`,
      [cutoffs.keys, keysKeptMs],
    )
    if (turn?.mine !== true) return report
    const { attempts, transcripts, events, records } = cutoffs
    const steps: ((rows: number) => Promise<number>)[] = []
    if (attempts !== null) steps.push((rows) => removeDeliveries(query, attempts, rows, report))
    if (transcripts !== null) {
      steps.push((rows) => this.#removeTranscripts(query, transcripts, rows, report))
    }
    if (events !== null) steps.push((rows) => removeOldEvents(query, events, turn.keys_before, rows, report))
    if (records !== null) {
      steps.push((rows) => this.#removeRecords(query, records, rows, report))
      steps.push((rows) => this.#removeStartedCalls(query, records, rows, report))
    }
    steps.push((rows) => removeKeys(query, turn.keys_before, rows, report))
    let left = rowsMax
    for (const step of steps) {
      left -= await step(left)
      if (left <= 0) return { ...report, more: true }
    }
    this.#transcript = callStart
    this.#record = callStart
    this.#startedCall = callStart
    return report
  }

  async #removeTranscripts(
    query: Query,
    before: number,
    rows: number,
    report: RetentionReport,
  ): Promise<number> {
    let left = rows
    while (left > 0) {
      const parts = await query<{ call_key: number; kind: string; seq: number; at: number }>(
        `SELECT call_key, kind, seq, at FROM hookswitch.call_parts
         WHERE kind IN ('final', 'live', 'tool') AND at < $1 AND (at, call_key) > ($2, $3)
         ORDER BY at, call_key LIMIT $4`,
        [before, this.#transcript.at, this.#transcript.call, left],
      )
      if (parts.length === 0) return rows - left
      const waiting = await waitingCalls(query, parts)
      const old = parts.filter(({ call_key }) => !waiting.has(call_key))
      await query(
        `DELETE FROM hookswitch.call_parts p
         USING unnest($1::bigint[], $2::text[], $3::bigint[]) AS old (call_key, kind, seq)
         WHERE p.call_key = old.call_key AND p.kind = old.kind AND p.seq = old.seq`,
        [old.map(({ call_key }) => call_key), old.map(({ kind }) => kind), old.map(({ seq }) => seq)],
      )
      report.transcripts += old.length
      // What is not removed is found again if it is not passed.
      const stays = parts.findLast(({ call_key }) => waiting.has(call_key))
      if (stays !== undefined) this.#transcript = { at: stays.at, call: stays.call_key }
      left -= parts.length
    }
    return rows
  }

  /** The records of calls of which nothing came for so long. The index of their events stays with these. */
  async #removeRecords(query: Query, before: number, rows: number, report: RetentionReport): Promise<number> {
    let left = rows
    while (left > 0) {
      const calls = await query<{ call_key: number; first_event_at: number; head: string }>(
        `SELECT call_key, first_event_at, head FROM hookswitch.calls
         WHERE recorded AND first_event_at < $1 AND (first_event_at, call_key) > ($2, $3)
         ORDER BY first_event_at, call_key LIMIT $4 FOR UPDATE SKIP LOCKED`,
        [before, this.#record.at, this.#record.call, left],
      )
      const last = calls.at(-1)
      if (last === undefined) return rows - left
      const quiet = calls.filter(({ head }) => (JSON.parse(head) as CallHead).lastEventAt < before)
      const waiting = await waitingCalls(query, quiet)
      const old = quiet.map(({ call_key }) => call_key).filter((key) => !waiting.has(key))
      const parts = await removeParts(query, old, left)
      if (parts >= left) return rows
      await query(
        `UPDATE hookswitch.calls
         SET recorded = false, head = '', status = 'ended', agent_id = NULL, agent_name = NULL,
             conversation_id = NULL, outcome = NULL
         WHERE call_key = ANY ($1)`,
        [old],
      )
      await removeEmptyCalls(query, old)
      report.records += old.length
      this.#record = { at: last.first_event_at, call: last.call_key }
      left -= calls.length + parts
    }
    return rows
  }

  /**
   * Calls that were started here and in which nothing was published for so long. What is delivered of them may need
   * to know where their events go, so that one stays while a delivery waits, or may still be made by the fold.
   */
  async #removeStartedCalls(
    query: Query,
    recordsBefore: number,
    rows: number,
    report: RetentionReport,
  ): Promise<number> {
    const [unfolded] = await query<{ received_at: number }>(
      `SELECT received_at FROM hookswitch.events
       WHERE seq > (SELECT folded_seq FROM hookswitch.fold_state) ORDER BY seq LIMIT 1`,
    )
    const before = Math.min(recordsBefore, unfolded?.received_at ?? recordsBefore)
    const calls = await query<OldStartedCall>(
      `SELECT key, version, created_at, call_id, progress FROM hookswitch.started_calls
       WHERE created_at < $1 AND (created_at, key) > ($2, $3) ORDER BY created_at, key LIMIT $4`,
      [before, this.#startedCall.at, this.#startedCall.call, rows],
    )
    const last = calls.at(-1)
    if (last === undefined) return 0
    this.#startedCall = { at: last.created_at, call: last.key }
    const recorded = await query<{ call_id: string; call_key: number }>(
      `SELECT call_id, call_key FROM hookswitch.calls WHERE call_id = ANY ($1)`,
      [calls.map(({ call_id }) => call_id)],
    )
    const waiting = await waitingCalls(query, recorded)
    const waits = new Set(
      recorded.filter(({ call_key }) => waiting.has(call_key)).map(({ call_id }) => call_id),
    )
    const old = calls.filter(
      ({ call_id, progress }) =>
        !waits.has(call_id) && ((JSON.parse(progress) as CallProgress).lastEventAt ?? 0) < before,
    )
    // One in which something is published at this moment has another version then.
    const removed = await query(
      `DELETE FROM hookswitch.started_calls WHERE key IN (
         SELECT s.key FROM hookswitch.started_calls s
         JOIN unnest($1::bigint[], $2::bigint[]) AS old (key, version) ON old.key = s.key AND old.version = s.version
         FOR UPDATE OF s SKIP LOCKED)
       RETURNING 1`,
      [old.map(({ key }) => key), old.map(({ version }) => version)],
    )
    report.records += removed.length
    return calls.length
  }
}

interface OldStartedCall {
  key: number
  version: number
  created_at: number
  call_id: string
  progress: string
}

/** The place before the first call. */
const callStart = { at: Number.MIN_SAFE_INTEGER, call: 0 }

/** Of these calls, those of which a delivery is pending, which is made from the record. */
async function waitingCalls(query: Query, calls: readonly { call_key: number }[]): Promise<Set<number>> {
  // Call by call, however many deliveries there are.
  const rows = await query<{ call_key: number }>(
    `SELECT c.call_key FROM unnest($1::bigint[]) AS c (call_key), LATERAL (
       SELECT FROM hookswitch.call_events ce JOIN hookswitch.deliveries d ON d.event_seq = ce.seq
       WHERE ce.call_key = c.call_key AND d.state = 'pending' LIMIT 1) pending`,
    [[...new Set(calls.map(({ call_key }) => call_key))]],
  )
  return new Set(rows.map(({ call_key }) => call_key))
}

// Each of these removes so many rows at most, and returns how many it was; all of them where it may not be done.

async function removeDeliveries(
  query: Query,
  before: number,
  rows: number,
  report: RetentionReport,
): Promise<number> {
  const [removed] = await query<{ deliveries: number; attempts: number }>(
    `WITH old AS MATERIALIZED (
       SELECT key FROM hookswitch.deliveries WHERE finished_at < $1 ORDER BY finished_at LIMIT $2
       FOR UPDATE SKIP LOCKED
     ),
     tried AS (DELETE FROM hookswitch.attempts a USING old WHERE a.delivery_key = old.key RETURNING 1),
     gone AS (DELETE FROM hookswitch.deliveries d USING old WHERE d.key = old.key RETURNING 1)
     SELECT (SELECT count(*) FROM gone) AS deliveries, (SELECT count(*) FROM tried) AS attempts`,
    [before, rows],
  )
  report.deliveries += removed?.deliveries ?? 0
  report.attempts += removed?.attempts ?? 0
  return removed?.deliveries ?? 0
}

async function removeOldEvents(
  query: Query,
  before: number,
  keysBefore: number,
  rows: number,
  report: RetentionReport,
): Promise<number> {
  const old = await query<{ seq: number; bytes: number }>(
    `SELECT e.seq, octet_length(e.body) AS bytes FROM hookswitch.events e
     WHERE e.received_at < $1 AND e.seq <= (SELECT folded_seq FROM hookswitch.fold_state) AND NOT ${waitsOfEvent}
     ORDER BY e.seq LIMIT $2 FOR UPDATE OF e SKIP LOCKED`,
    [before, rows],
  )
  let bytes = 0
  const seqs: number[] = []
  for (const event of old) {
    if (bytes >= bodyBytesMax) break
    seqs.push(event.seq)
    bytes += event.bytes
  }
  const removed = await removeEvents(query, seqs, keysBefore)
  report.events += removed.events
  report.deliveries += removed.deliveries
  report.attempts += removed.attempts
  report.keys += removed.keys
  return seqs.length < old.length ? rows : old.length
}

/** Whether a delivery of the event `e` is pending. */
const waitsOfEvent = `EXISTS (
  SELECT FROM hookswitch.deliveries d WHERE d.event_seq = e.seq AND d.state = 'pending')`

/**
 * Removes events that are locked, with what was delivered of them; one that waits to be delivered stays. The key of
 * an event that came after `keysBefore` stays too, and says when it came.
 */
export async function removeEvents(
  query: Query,
  seqs: readonly number[],
  keysBefore: number,
): Promise<RemovedEvents> {
  const [row] = await query<RemovedEvents & { calls: number[] | null }>(
    `WITH old AS MATERIALIZED (
       SELECT e.seq, e.source, e.call_id, e.type, e.received_at, coalesce(e.occurred_at, 0) AS key_at
       FROM hookswitch.events e WHERE e.seq = ANY ($1) AND NOT ${waitsOfEvent}
     ),
     sent AS MATERIALIZED (SELECT d.key FROM hookswitch.deliveries d JOIN old ON d.event_seq = old.seq),
     tried AS (DELETE FROM hookswitch.attempts a USING sent WHERE a.delivery_key = sent.key RETURNING 1),
     delivered AS (DELETE FROM hookswitch.deliveries d USING sent WHERE d.key = sent.key RETURNING 1),
     listed AS (
       DELETE FROM hookswitch.call_events ce USING old, hookswitch.calls c
       WHERE c.call_id = old.call_id AND ce.call_key = c.call_key AND ce.seq = old.seq RETURNING ce.call_key
     ),
     forgotten AS (
       DELETE FROM hookswitch.event_keys k USING old WHERE ${isKeyOf} AND old.received_at < $2 RETURNING 1
     ),
     kept AS (
       UPDATE hookswitch.event_keys k SET received_at = old.received_at
       FROM old WHERE ${isKeyOf} AND old.received_at >= $2
     ),
     gone AS (DELETE FROM hookswitch.events e USING old WHERE e.seq = old.seq RETURNING 1)
     SELECT (SELECT count(*) FROM gone) AS events, (SELECT count(*) FROM delivered) AS deliveries,
            (SELECT count(*) FROM tried) AS attempts, (SELECT count(*) FROM forgotten) AS keys,
            (SELECT json_agg(DISTINCT call_key) FROM listed) AS calls`,
    [seqs, keysBefore],
  )
  const { calls, ...removed } = row ?? { events: 0, deliveries: 0, attempts: 0, keys: 0, calls: null }
  if (calls !== null) await removeEmptyCalls(query, calls)
  return removed
}

interface RemovedEvents {
  events: number
  deliveries: number
  attempts: number
  keys: number
}

/** Of these calls, those whose record was removed and of which no event is left. */
async function removeEmptyCalls(query: Query, keys: readonly number[]): Promise<void> {
  // What the fold holds at this moment has a record again.
  await query(
    `DELETE FROM hookswitch.calls WHERE call_key IN (
       SELECT call_key FROM hookswitch.calls c
       WHERE call_key = ANY ($1) AND NOT recorded
         AND NOT EXISTS (SELECT FROM hookswitch.call_events ce WHERE ce.call_key = c.call_key)
       FOR UPDATE SKIP LOCKED)`,
    [keys],
  )
}

const isKeyOf = `k.occurred_at = old.key_at AND k.source = old.source AND k.call_id = old.call_id
  AND k.type = old.type AND k.seq = old.seq`

/** Removes the parts of calls that are locked, at most so many. */
export async function removeParts(query: Query, callKeys: readonly number[], rows: number): Promise<number> {
  const removed = await query(
    `DELETE FROM hookswitch.call_parts WHERE (call_key, kind, seq) IN
       (SELECT call_key, kind, seq FROM hookswitch.call_parts WHERE call_key = ANY ($1) LIMIT $2) RETURNING 1`,
    [callKeys, rows],
  )
  return removed.length
}

/** Keys of events that went before them. */
async function removeKeys(
  query: Query,
  before: number,
  rows: number,
  report: RetentionReport,
): Promise<number> {
  const removed = await query(
    `DELETE FROM hookswitch.event_keys WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM hookswitch.event_keys WHERE received_at < $1 ORDER BY received_at LIMIT $2))
     RETURNING 1`,
    [before, rows],
  )
  report.keys += removed.length
  return removed.length
}
