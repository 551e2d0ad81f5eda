import { knownEventTypes, type Envelope, type EventFacts, type Issue, type KnownEventType } from '../event.ts'
import { isObject, kindOf, note, type JsonObject } from '../json.ts'
import { readObject } from './field-values.ts'
import { readScalars, type Place } from './scalars.ts'
import { readTool } from './tool.ts'
import { readTurnList, readUpdate } from './transcript.ts'

const outcomeNames = ['outcomeResult', 'outcome_result', 'outcome']
const paramsNames = ['params', 'customParams', 'custom_params']

/** What an event says that says nothing. */
export function noFacts(): EventFacts {
  return {
    agentId: null,
    agentName: null,
    projectId: null,
    conversationId: null,
    direction: null,
    channel: null,
    userNumber: null,
    agentNumber: null,
    params: null,
    startedAt: null,
    answeredAt: null,
    endedAt: null,
    durationSeconds: null,
    ringSeconds: null,
    recordingUrl: null,
    transcript: null,
    outcome: null,
    tool: null,
    issues: [],
  }
}

/**
 * What an event says about its call. Tolerant: whatever does not fit is left out and noted in `issues` by path and
 * kind, never by content. An event of an unknown type says nothing. Never throws.
 *
 * @param value the body that `envelope` was read from.
 */
export function readFacts(envelope: Envelope, value: Record<string, unknown>): EventFacts {
  const facts = noFacts()
  const { issues } = facts
  const { type } = envelope
  if (!isKnown(type)) return facts
  const places = placesOf(value, issues)
  const {
    fromNumber: _from,
    toNumber: _to,
    callType: _callType,
    ...scalars
  } = readScalars(type, places, issues)
  Object.assign(facts, scalars)
  const within = [...places, ...nestedPlaces(places)]
  facts.outcome = firstOf(within, (place) => readNamed(place, outcomeNames, issues))
  if (type === 'tool.executed') {
    facts.tool = firstOf(places, (place) => readTool(place.object, place.prefix, envelope.occurredAt, issues))
    if (facts.tool === null) note(issues, 'data', 'names no tool')
    return facts
  }
  facts.params = firstOf(within, (place) => readNamed(place, paramsNames, issues))
  const readTurns = type === 'transcription.update' ? readUpdate : readTurnList
  facts.transcript = firstOf(within, (place) => readTurns(place.object, place.prefix, issues))
  return facts
}

const known: ReadonlySet<string> = new Set(knownEventTypes)
const isKnown = (type: string): type is KnownEventType => known.has(type)

/** The documented place is `data.data`; senders also use `data` alone, or none. Most specific first. */
function placesOf(value: JsonObject, issues: Issue[]): Place[] {
  const places: Place[] = [{ object: value, prefix: '' }]
  const { data } = value
  if (!isObject(data)) {
    if (data !== undefined && data !== null) note(issues, 'data', `is ${kindOf(data)}, expected an object`)
    return places
  }
  places.unshift({ object: data, prefix: 'data.' })
  const inner = data['data']
  if (isObject(inner)) places.unshift({ object: inner, prefix: 'data.data.' })
  else if (inner !== undefined && inner !== null) {
    note(issues, 'data.data', `is ${kindOf(inner)}, expected an object`)
  }
  return places
}

/** Where the platform's API and its emulators nest what the documented payload has in its data. */
function nestedPlaces(places: readonly Place[]): Place[] {
  const nested: Place[] = []
  for (const { object, prefix } of places) {
    for (const name of ['call', 'jobResponse']) {
      const found = object[name]
      if (isObject(found)) nested.push({ object: found, prefix: `${prefix}${name}.` })
    }
  }
  return nested
}

function firstOf<T>(places: readonly Place[], read: (place: Place) => T | null): T | null {
  for (const place of places) {
    const found = read(place)
    if (found !== null) return found
  }
  return null
}

function readNamed({ object, prefix }: Place, names: readonly string[], issues: Issue[]): JsonObject | null {
  for (const name of names) {
    const found = readObject(object[name], prefix + name, issues)
    if (found !== null) return found
  }
  return null
}
