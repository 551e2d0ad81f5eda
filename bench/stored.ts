import type { Bench } from './bench.ts'
import { eventNumber } from './load/event.ts'
import type { LoadResult } from './load/load.ts'
import type { Server } from './server.ts'

const pageItems = 200

interface LogEvent {
  id: string
  seq: number
  callId: string
  type: string
}

interface CallPage {
  items: { callId: string; eventCount: number }[]
  nextCursor: string | null
}

/** What was read back of a load. */
export interface Stored {
  /** The place in the log by event id; null where nothing was read back. */
  seqs: Map<string, number> | null
  /** A line that says what was found. */
  text: string
}

/**
 * Reads everything back through the API and compares: each acknowledged event is in the log exactly once and counted
 * in its call, one without a 200 is there once or not at all, and nothing else is there. Throws when it does not hold.
 */
export async function checkStored(
  bench: Bench,
  server: Server,
  load: LoadResult,
  others: readonly LoadResult[] = [],
): Promise<Stored> {
  if (bench.options.profile)
    return { seqs: null, text: 'nothing was read back, which would stand in the profile' }
  bench.say(`reading ${load.acknowledged} events and their calls back`)
  const isOfOthers = (callId: string): boolean =>
    others.some(({ callIdSuffix }) => callId.endsWith(callIdSuffix))

  const seqs = new Map<string, number>()
  const seen = new Uint8Array(load.sent)
  const eventsOfCall = new Map<string, number>()
  for await (const event of allEvents(server)) {
    const { callId } = event
    if (isOfOthers(callId)) continue
    const number = eventNumber(event, load)
    if (number === null || number >= load.sent)
      throw new Error(`The store holds ${event.type} of ${callId}, which was never sent.`)
    if (seen[number] === 1) throw new Error(`The store holds ${event.type} of ${callId} twice.`)
    seen[number] = 1
    seqs.set(event.id, event.seq)
    eventsOfCall.set(callId, (eventsOfCall.get(callId) ?? 0) + 1)
  }
  const uncertain = new Set(load.unacknowledged)
  for (const [number, isThere] of seen.entries()) {
    if (isThere === 0 && !uncertain.has(number))
      throw new Error(`Event ${number} was acknowledged and is lost.`)
  }

  const calls = eventsOfCall.size
  for await (const { callId, eventCount } of allCalls(server)) {
    if (isOfOthers(callId)) continue
    const events = eventsOfCall.get(callId)
    if (eventCount !== events)
      throw new Error(`Call ${callId} counts ${eventCount} events; ${events ?? 'none'} are in the log.`)
    eventsOfCall.delete(callId)
  }
  for (const callId of eventsOfCall.keys())
    throw new Error(`Events of ${callId} are in the log, and it has no call.`)
  return { seqs, text: `${seqs.size} events and ${calls} calls read back, each acknowledged event once` }
}

async function* allEvents(server: Server): AsyncGenerator<LogEvent> {
  for (let after = 0; ;) {
    const { items } = (await server.api(`/events?after=${after}&limit=${pageItems}`)) as { items: LogEvent[] }
    for (const event of items) {
      if (event.seq <= after) throw new Error(`The log does not ascend: ${event.seq} comes after ${after}.`)
      after = event.seq
      yield event
    }
    if (items.length < pageItems) return
  }
}

async function* allCalls(server: Server): AsyncGenerator<CallPage['items'][number]> {
  for (let cursor: string | null = null; ;) {
    const place = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = (await server.api(`/calls?limit=${pageItems}${place}`)) as CallPage
    yield* page.items
    if (page.nextCursor === null) return
    cursor = page.nextCursor
  }
}
