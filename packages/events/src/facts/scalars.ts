import type { Issue, KnownEventType } from '../event.ts'
import { isObject, note, type JsonObject } from '../json.ts'
import { readTime } from '../wire/time.ts'
import {
  fieldNames,
  type NameScope,
  type SecondsField,
  type TextField,
  type TimeField,
} from './field-names.ts'
import { readAmount, readText, readUrl } from './field-values.ts'

/** An object of the body that may hold facts, with its path and a dot, as the sender writes it. */
export interface Place {
  object: JsonObject
  prefix: string
}

export type Scalars = Record<TextField, string | null> & Record<TimeField | SecondsField, number | null>

const scopesOfEvent: Record<KnownEventType, readonly NameScope[]> = {
  'call.started': ['any', 'event'],
  'call.answered': ['any', 'event'],
  'transcription.update': ['any'],
  'tool.executed': ['any'],
  'call.ended': ['any', 'event', 'end'],
}

/** Objects within the data that are about the call as a whole, whatever the event is about. */
const callPlaces: ReadonlyMap<string, readonly NameScope[]> = new Map([
  ['call', ['any', 'event', 'end']],
  ['jobResponse', ['any', 'event', 'end']],
  ['callParams', ['any', 'event']],
  ['call_params', ['any', 'event']],
  ['caller_info', ['any', 'event']],
  ['callerInfo', ['any', 'event']],
])

/**
 * The scalars of a call in `places` and in the objects within them that are about the call. The first usable value
 * wins, so `places` come most specific first; `""` and null do not hide a value elsewhere.
 */
export function readScalars(type: KnownEventType, places: readonly Place[], issues: Issue[]): Scalars {
  const scalars: Scalars = {
    agentId: null,
    agentName: null,
    projectId: null,
    conversationId: null,
    direction: null,
    channel: null,
    callType: null,
    userNumber: null,
    agentNumber: null,
    fromNumber: null,
    toNumber: null,
    recordingUrl: null,
    startedAt: null,
    answeredAt: null,
    endedAt: null,
    durationSeconds: null,
    ringSeconds: null,
  }
  const scopes = scopesOfEvent[type]
  const nested: [Place, readonly NameScope[]][] = []
  for (const place of places) {
    readPlace(place, scopes, scalars, issues)
    for (const name of Object.keys(place.object)) {
      const within = callPlaces.get(name) ?? (name === 'metadata' ? scopes : undefined)
      const object = within === undefined ? null : place.object[name]
      if (within !== undefined && isObject(object)) {
        nested.push([{ object, prefix: `${place.prefix}${name}.` }, within])
      }
    }
  }
  for (const [place, within] of nested) readPlace(place, within, scalars, issues)
  settleNumbers(scalars, issues)
  return scalars
}

function readPlace(place: Place, scopes: readonly NameScope[], scalars: Scalars, issues: Issue[]): void {
  const candidates: { name: string; rank: number }[] = []
  for (const name of Object.keys(place.object)) {
    const known = fieldNames.get(name)
    if (known !== undefined && scopes.includes(known.scope)) candidates.push({ name, rank: known.rank })
  }
  candidates.sort((one, other) => one.rank - other.rank)
  for (const { name } of candidates) {
    const reading = fieldNames.get(name)?.reading
    if (reading === undefined || scalars[reading.field] !== null) continue
    const value = place.object[name]
    const path = place.prefix + name
    if (reading.kind === 'text') scalars[reading.field] = readText(value, path, issues)
    else if (reading.kind === 'url') scalars[reading.field] = readUrl(value, path, issues)
    else if (reading.kind === 'time') scalars[reading.field] = readTime(value, path, issues)
    else scalars[reading.field] = perSecond(readAmount(value, path, issues), reading.perSecond)
  }
}

function perSecond(amount: number | null, units: number): number | null {
  return amount === null ? null : amount / units
}

/** Who of `from` and `to` is the user depends on the direction; where that is not said, nobody is guessed. */
function settleNumbers(scalars: Scalars, issues: Issue[]): void {
  const { callType } = scalars
  const isDirection = callType !== null && /^(?:inbound|outbound)$/i.test(callType)
  if (isDirection) scalars.direction ??= callType
  else scalars.channel ??= callType
  const { direction, fromNumber, toNumber } = scalars
  if (fromNumber === null && toNumber === null) return
  if (direction !== null && /^inbound$/i.test(direction)) {
    scalars.userNumber ??= fromNumber
    scalars.agentNumber ??= toNumber
  } else if (direction !== null && /^outbound$/i.test(direction)) {
    scalars.userNumber ??= toNumber
    scalars.agentNumber ??= fromNumber
  } else if (scalars.userNumber === null || scalars.agentNumber === null) {
    note(issues, '', 'has numbers from and to without a direction, so neither is known to be the user')
  }
}
