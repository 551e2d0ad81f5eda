import type { CallCursor, CallQuery } from '@hookswitch/core'
import type { CallHead, CallPart } from '@hookswitch/events'
import type { Query } from './connections.ts'
import { canBeStored, storableText } from './text.ts'

/** The call with all its parts, of one moment. */
export async function getCall(
  query: Query,
  callId: string,
): Promise<{ head: CallHead; parts: CallPart[] } | null> {
  if (!canBeStored(callId)) return null
  // The head comes as the first row, so that it is not repeated beside each of thousands of parts.
  const [head, ...parts] = await query<{ kind: string; seq: number; at: number; data: string }>(
    `WITH call AS MATERIALIZED (SELECT call_key, head FROM hookswitch.calls WHERE call_id = $1 AND recorded)
     SELECT 'head' AS kind, 0::bigint AS seq, 0::bigint AS at, head AS data FROM call
     UNION ALL
     SELECT p.kind, p.seq, p.at, p.data FROM call JOIN hookswitch.call_parts p USING (call_key)`,
    [callId],
  )
  if (head === undefined) return null
  return {
    head: JSON.parse(head.data) as CallHead,
    parts: parts.map((part) => ({ ...part, data: JSON.parse(part.data) as unknown }) as CallPart),
  }
}

/** A page of the list, newest first. */
export async function listCalls(
  query: Query,
  wanted: CallQuery,
): Promise<{ items: CallHead[]; next: CallCursor | null }> {
  const texts = [wanted.agentId, wanted.prefix].filter((text) => text !== undefined)
  if (!texts.every(canBeStored)) return { items: [], next: null }
  const values: unknown[] = []
  const bind = (value: unknown): string => `$${values.push(value)}`
  const conditions = ['recorded']
  if (wanted.after !== undefined) {
    const { firstEventAt, key } = wanted.after
    conditions.push(`(first_event_at, call_key) < (${bind(firstEventAt)}, ${bind(key)})`)
  }
  if (wanted.agentId !== undefined) conditions.push(`agent_id = ${bind(wanted.agentId)}`)
  if (wanted.status !== undefined) {
    conditions.push(`status = ${bind(wanted.status)}`)
    // Said besides, so that the partial index of calls that go on can serve.
    if (wanted.status !== 'ended') conditions.push(`status <> 'ended'`)
  }
  if (wanted.from !== undefined) conditions.push(`first_event_at >= ${bind(wanted.from)}`)
  if (wanted.to !== undefined) conditions.push(`first_event_at < ${bind(wanted.to)}`)
  if (wanted.prefix !== undefined) {
    const like = `LIKE lower(${bind(likePrefix(wanted.prefix))}::text COLLATE "C")`
    conditions.push(`(lower(call_id) ${like} OR lower(conversation_id) ${like} OR lower(agent_name) ${like})`)
  }
  for (const { field, text } of wanted.outcome ?? []) {
    conditions.push(
      `outcome @> ${bind(JSON.stringify({ [storableText(field)]: storableText(text) }))}::jsonb`,
    )
  }
  const rows = await query<{ call_key: number; first_event_at: number; head: string }>(
    `SELECT call_key, first_event_at, head FROM hookswitch.calls
     WHERE ${conditions.join(' AND ')}
     ORDER BY first_event_at DESC, call_key DESC LIMIT ${bind(wanted.limit + 1)}`,
    values,
  )
  const page = rows.slice(0, wanted.limit)
  const last = page.at(-1)
  return {
    items: page.map(({ head }) => JSON.parse(head) as CallHead),
    next:
      rows.length > wanted.limit && last !== undefined
        ? { firstEventAt: last.first_event_at, key: last.call_key }
        : null,
  }
}

/** A pattern for LIKE that matches what begins with this text, whose own signs stand for themselves. */
function likePrefix(prefix: string): string {
  return `${prefix.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`
}
