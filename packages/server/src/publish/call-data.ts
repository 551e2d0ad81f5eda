import { isDeepStrictEqual } from 'node:util'
import type { StartedCall } from '@hookswitch/core'
import { knownEventTypes, type EventFacts, type Issue } from '@hookswitch/events'

/** What the data of an event says of its call, against what is known of the call. */

const known: ReadonlySet<string> = new Set(knownEventTypes)

/** Whose number is whose depends on who called. */
export function numbersOf({ direction, to, from }: StartedCall): {
  userNumber: string | null
  agentNumber: string | null
} {
  return direction === 'outbound'
    ? { userNumber: to, agentNumber: from }
    : { userNumber: from, agentNumber: to }
}

/**
 * The problem with a field that says of the call something else than it was started with, which both its record and
 * its endpoint would believe; null where there is none.
 */
export function contradiction(
  call: StartedCall,
  eventType: string,
  data: Record<string, unknown>,
): string | null {
  const { conversationId, direction, params } = call
  if (eventType === 'call.started') {
    if (Object.hasOwn(data, 'params')) {
      return 'data.params is given, expected none: they are those that the call was started with'
    }
    const own = { conversationId, direction, ...numbersOf(call) }
    const other = Object.entries(own).find(
      ([name, value]) => Object.hasOwn(data, name) && data[name] !== value,
    )
    return other === undefined ? null : differs(other[0])
  }
  // In these null and an empty object say nothing.
  const { conversationId: id, params: echoed } = data
  if (id !== undefined && id !== null && id !== conversationId) return differs('conversationId')
  // Those of a tool are its input, and a type of one's own has fields of its own.
  if (!known.has(eventType) || eventType === 'tool.executed' || echoed === undefined || echoed === null) {
    return null
  }
  return isDeepStrictEqual(echoed, {}) || isDeepStrictEqual(echoed, params) ? null : differs('params')
}

function differs(field: string): string {
  return `data.${field} is not what the call was started with, expected the same or none`
}

const turn = 'a turn such as {"Agent":"Hello!"}'

/** The documented fields that can be of the right kind and still be left out of the record, and what is expected. */
const documentedFields: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'transcription.update': { transcription: turn },
  'tool.executed': { toolName: 'a shorter one', duration: 'milliseconds' },
  'call.ended': {
    transcription: turn,
    conversationRecording: 'one such as https://example.com/recording.mp3',
  },
}

/** They are stored with the call, for the repeat of a publication; the first of a hundred say what the others would. */
const issuesMax = 10

type IssueReading = { ok: true; issues: Issue[] } | { ok: false; problem: string }

/**
 * What was odd to the reader of an event. In a documented field it is a reason to refuse: whoever handles events by
 * the documentation could not read it either, and a call ends once. Of all other fields it is told, since nobody but
 * their sender knows what they are for.
 *
 * @param facts what `readFacts` gave for the event, whose inner data is what was published.
 */
export function readIssues(
  eventType: string,
  data: Record<string, unknown>,
  { issues }: Pick<EventFacts, 'issues'>,
): IssueReading {
  const told: Issue[] = []
  for (const { path: inEvent, message } of issues) {
    const path = inEvent === '' ? 'data' : inEvent.replace(/^data\.data\b/, 'data')
    // With the index of a turn; what stands within a turn, such as its time, is not documented.
    const field = /^data\.(\w+)(?:\[\d+\])?$/.exec(path)?.[1] ?? ''
    const expected = documentedFields[eventType]?.[field]
    if (expected !== undefined && Object.hasOwn(data, field)) {
      return { ok: false, problem: `${path} ${message}, expected ${expected}` }
    }
    if (told.length < issuesMax) told.push({ path, message })
  }
  return { ok: true, issues: told }
}

/** The params among the fields of an outcome: of the others nobody could think that they were echoed. */
export function paramsIn(
  outcome: Record<string, unknown>,
  params: Readonly<Record<string, unknown>>,
): string[] {
  return Object.keys(params).filter((name) => Object.hasOwn(outcome, name))
}
