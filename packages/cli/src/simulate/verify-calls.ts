import { setTimeout as delay } from 'node:timers/promises'
import type { CallRecord } from '@hookswitch/events'
import {
  differencesOf,
  truthOf,
  type Difference,
  type SimulatedCall,
  type Simulation,
} from '@hookswitch/sender/simulator'
import type { ApiClient, Page } from '../api/api-client.ts'
import type { ApiEvent } from '../api/api-event.ts'
import { CommandFailure } from '../failure.ts'
import type { CallLedger, Tally } from './tally.ts'

export interface DifferingCall {
  callId: string
  differences: Difference[]
}

export interface Verification {
  calls: number
  differing: DifferingCall[]
}

/** Whether none of the calls that should be there is. */
export function knowsNone({ calls, differing }: Verification): boolean {
  const areMissing = differing.every(({ differences }) => {
    return differences.some(({ field, found }) => field === '' && found === null)
  })
  return calls > 0 && differing.length === calls && areMissing
}

/** Records follow the events within about a second. Who has not caught up for so long does not come any more. */
const standstillMs = 10_000

/** However slowly it catches up. */
const catchUpMsMax = 120_000

/** Between two looks at the calls that differ. */
const againMs = 250

/** Calls that are asked for at once. */
const requestsMax = 8

/** Events of a page of the API. */
const pageMax = 200

/**
 * Asks a server for every call of a run, and holds its records against what was sent and taken. Calls that differ are
 * asked for again as long as the server catches up.
 *
 * @param seen is told how many calls are right so far.
 */
export async function verifyCalls(
  api: ApiClient,
  { simulation, tally }: { simulation: Simulation; tally: Tally },
  seen: (right: number) => void,
): Promise<Verification> {
  const calls = tally.callsBegun
  let right = 0
  const ask = async (waiting: Iterable<SimulatedCall>): Promise<Differing[]> => {
    const differing: Differing[] = []
    for (const group of groupsOf(waiting, requestsMax)) {
      const looks = group.map(async (call): Promise<void> => {
        const ledger = tally.ledgers.get(call.number)
        const differences = ledger === undefined ? [] : await compare(api, call, ledger)
        if (differences.length === 0) right += 1
        else differing.push({ call, differences })
      })
      await Promise.all(looks)
      seen(right)
    }
    return differing
  }

  let differing = await ask(firstOf(simulation, calls))
  const firstAt = performance.now()
  let betterAt = firstAt
  while (differing.length > 0) {
    const now = performance.now()
    if (now - betterAt > standstillMs || now - firstAt > catchUpMsMax) break
    await delay(againMs)
    const before = differing.length
    differing = await ask(differing.map(({ call }) => call))
    if (differing.length < before) betterAt = performance.now()
  }
  differing.sort((one, other) => one.call.number - other.call.number)
  return {
    calls,
    differing: differing.map(({ call, differences }) => ({ callId: call.callId, differences })),
  }
}

interface Differing {
  call: SimulatedCall
  differences: Difference[]
}

async function compare(api: ApiClient, call: SimulatedCall, ledger: CallLedger): Promise<Difference[]> {
  const isOpen = ledger.unsure.some((unsure, event) => unsure && ledger.taken[event] !== true)
  const found = isOpen ? await arrived(api, call, ledger) : new Set<number>()
  const truth = truthOf(call, (event) => ledger.taken[event] === true || found.has(event))
  return differencesOf(truth, await recordOf(api, call.callId))
}

async function recordOf(api: ApiClient, callId: string): Promise<CallRecord | null> {
  const answer = await orNothing(api.get<CallRecord>(`/calls/${callId}`))
  return answer?.value ?? null
}

/** Of the events without an answer, those that the server has after all. */
async function arrived(api: ApiClient, call: SimulatedCall, ledger: CallLedger): Promise<Set<number>> {
  const bodies = new Set<string>()
  let cursor: string | undefined
  do {
    const page = await orNothing(
      api.get<Page<ApiEvent>>(`/calls/${call.callId}/events`, { limit: pageMax, cursor }),
    )
    for (const { body } of page?.value.items ?? []) bodies.add(JSON.stringify(body))
    cursor = page?.value.nextCursor ?? undefined
  } while (cursor !== undefined)
  const found = call.events.flatMap(({ body }, event) => {
    if (ledger.unsure[event] !== true) return []
    // Parsed and written as the server's have been.
    const sent = JSON.stringify(JSON.parse(new TextDecoder().decode(body())))
    return bodies.has(sent) ? [event] : []
  })
  return new Set(found)
}

async function orNothing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof CommandFailure && error.ending === 'notFound') return null
    throw error
  }
}

/** Calls begin in their order, so those that have begun are the first ones. */
function* firstOf(simulation: Simulation, calls: number): Generator<SimulatedCall, void> {
  for (const call of simulation.calls()) {
    if (call.number >= calls) return
    yield call
  }
}

function* groupsOf<T>(all: Iterable<T>, size: number): Generator<T[], void> {
  let group: T[] = []
  for (const one of all) {
    group.push(one)
    if (group.length < size) continue
    yield group
    group = []
  }
  if (group.length > 0) yield group
}
