import type { Bench } from './bench.ts'
import { numberOf } from './load/event.ts'
import type { LoadResult } from './load/load.ts'
import type { Server } from './server.ts'

const pageItems = 200

interface EventPage {
  items: { seq: number; callId: string }[]
}

interface CallPage {
  items: { callId: string; eventCount: number }[]
  nextCursor: string | null
}

/**
 * Reads everything back through the API and compares: each acknowledged event is in the log exactly once and has its
 * call, one without a 200 is there once or not at all, and nothing else is there. Resolves with a line that says so;
 * throws when it does not hold.
 */
export async function checkStored(bench: Bench, server: Server, load: LoadResult): Promise<string> {
  if (bench.options.profile) return 'nothing was read back, which would stand in the profile'
  bench.say(`reading ${load.acknowledged} events and their calls back`)
  const uncertain = new Set(load.unacknowledged)
  const isExpected = (callId: string, seen: Uint8Array): void => {
    const number = numberOf(callId, load.callIdSuffix)
    if (number === null || number >= load.sent)
      throw new Error(`The store holds ${callId}, which was never sent.`)
    if (seen[number] === 1) throw new Error(`The store holds ${callId} twice.`)
    seen[number] = 1
  }

  const events = new Uint8Array(load.sent)
  for await (const event of allEvents(server)) isExpected(event.callId, events)
  const calls = new Uint8Array(load.sent)
  for await (const call of allCalls(server)) {
    isExpected(call.callId, calls)
    if (call.eventCount !== 1)
      throw new Error(`Call ${call.callId} has ${call.eventCount} events; one was sent.`)
  }

  let stored = 0
  for (let number = 0; number < load.sent; number++) {
    stored += events[number] ?? 0
    if (events[number] === 0 && !uncertain.has(number))
      throw new Error(`Event ${number} was acknowledged and is lost.`)
    if (events[number] !== calls[number]) throw new Error(`Event ${number} is in the log and has no call.`)
  }
  return `${stored} events and calls read back, each acknowledged one once`
}

async function* allEvents(server: Server): AsyncGenerator<EventPage['items'][number]> {
  for (let after = 0; ;) {
    const { items } = (await server.api(`/events?after=${after}&limit=${pageItems}`)) as EventPage
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
