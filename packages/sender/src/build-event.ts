import { encodeEvent, isObject, kindOf } from './encode-event.ts'

/** What an event says, before it is in an envelope. */
export interface EventInput {
  /** One of the five documented types, or one of your own: printable ASCII, at most 100 characters. */
  eventType: string
  /** At most 200 characters. */
  callId: string
  /** Unix milliseconds; becomes `timestamp` and `data.timestamp`. */
  at: number
  /** Null is the same as leaving it out. */
  projectId?: string | null
  agentId: string
  agentName: string
  /** The inner data, `data.data`. */
  data?: Record<string, unknown>
  /** What the call was started with: `call.started` shows it, and `call.ended` echoes it in `outcomeResult`. */
  params?: Record<string, unknown>
  /** What `call.started` says of the call; its `conversationId` stands in `call.ended` too. Null is left out. */
  call?: {
    conversationId?: string
    direction?: string
    userNumber?: string | null
    agentNumber?: string | null
  }
}

export interface BuiltEvent {
  event: Record<string, unknown>
  /** `event` as JSON in UTF-8: these are the bytes to sign, to send and to keep. */
  body: Uint8Array<ArrayBuffer>
  /** Params whose names the outcome collected as well; the collected values are the ones in `outcomeResult`. */
  collisions: string[]
}

/**
 * Builds an event in the documented envelope, its keys in the documented order.
 *
 * `call.ended` always has the four documented keys: `conversationId` and `conversationRecording` are null and
 * `transcription` is empty where `data` does not have them, and `outcomeResult` is the params with what was collected
 * over them. `call.started` has `params`. The data of any other type is as given.
 *
 * @throws TypeError for what no receiver could read: a type, call id or time out of bounds, a documented field of
 * another kind than documented (an `outcomeResult` that is no object, a `transcription` that is no list of objects),
 * and in the data a number out of range, a bigint, or nesting beyond 64 levels. The message has the path and the kind,
 * never the value.
 *
 * @example
 * const { body } = buildEvent({
 *   eventType: 'call.ended', callId: 'call_1', at: Date.now(), agentId: 'agent-123', agentName: 'Recruiter',
 *   params: { application_id: '12345' }, data: { outcomeResult: { noticePeriod: '2 weeks' } },
 * })
 */
export function buildEvent(input: EventInput): BuiltEvent {
  const { projectId } = input
  checkTime(input.at)
  const timestamp = new Date(input.at).toISOString()
  const { data, collisions } = innerData(input)
  const event = {
    eventType: input.eventType,
    callId: input.callId,
    timestamp,
    ...(projectId === undefined || projectId === null ? {} : { projectId }),
    agentId: input.agentId,
    agentName: input.agentName,
    data: { timestamp, data },
  }
  return { event, body: encodeEvent(event), collisions }
}

/** What `data.data` says. Objects are spread, never assigned to: a field may have the name `__proto__`. */
export function innerData(input: EventInput): { data: Record<string, unknown>; collisions: string[] } {
  const { eventType, data = {}, params = {}, call = {} } = input
  checkKinds(eventType, data)
  switch (eventType) {
    case 'call.started':
      return { data: { ...whatIsKnown(call), params, ...data }, collisions: [] }
    case 'call.ended': {
      const { conversationId, conversationRecording, transcription, outcomeResult, ...more } = data
      const collected = collectedOutcome(outcomeResult)
      return {
        data: {
          conversationId: conversationId ?? call.conversationId ?? null,
          conversationRecording: conversationRecording ?? null,
          transcription: transcription ?? [],
          outcomeResult: { ...params, ...collected },
          ...more,
        },
        collisions: Object.keys(params).filter((name) => Object.hasOwn(collected, name)),
      }
    }
    default:
      return { data, collisions: [] }
  }
}

type Kind = 'string' | 'number' | 'boolean' | 'object' | 'list'

/** The documented fields of which anything but this kind is of no use to a handler. Null says nothing, in each. */
const documentedKinds: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  'call.started': {
    conversationId: 'string',
    direction: 'string',
    userNumber: 'string',
    agentNumber: 'string',
    params: 'object',
  },
  'transcription.update': { speaker: 'string', text: 'string', transcription: 'list' },
  'tool.executed': { toolName: 'string', success: 'boolean', duration: 'number' },
  'call.ended': {
    conversationId: 'string',
    conversationRecording: 'string',
    transcription: 'list',
    outcomeResult: 'object',
  },
}

function checkKinds(eventType: string, data: Record<string, unknown>): void {
  if (!Object.hasOwn(documentedKinds, eventType)) return
  for (const [name, kind] of Object.entries(documentedKinds[eventType] ?? {})) {
    const value = Object.hasOwn(data, name) ? data[name] : null
    if (value === undefined || value === null) continue
    if (!isOfKind(value, kind)) {
      const article = kind === 'object' ? 'an' : 'a'
      throw new TypeError(`data.${name} is ${kindOf(value)}, expected ${article} ${kind}`)
    }
    // The one list is that of the turns.
    const at = Array.isArray(value) ? value.findIndex((turn) => !isObject(turn)) : -1
    if (Array.isArray(value) && at !== -1) {
      throw new TypeError(`data.${name}[${at}] is ${kindOf(value[at])}, expected an object`)
    }
  }
}

function isOfKind(value: unknown, kind: Kind): boolean {
  if (kind === 'list') return Array.isArray(value)
  return kind === 'object' ? isObject(value) : typeof value === kind
}

function whatIsKnown(call: NonNullable<EventInput['call']>): Record<string, unknown> {
  const { conversationId, direction, userNumber, agentNumber } = call
  const all = Object.entries({ conversationId, direction, userNumber, agentNumber })
  return Object.fromEntries(all.filter(([, value]) => value !== undefined && value !== null))
}

function collectedOutcome(outcome: unknown): Record<string, unknown> {
  if (!isObject(outcome)) return {}
  // JSON leaves undefined out, and with it would go the param that it stands over.
  if (Object.keys(outcome).every((name) => outcome[name] !== undefined)) return outcome
  return Object.fromEntries(Object.entries(outcome).filter(([, value]) => value !== undefined))
}

// As receivers read times: what is outside is a counter, or in seconds.
const earliestMs = Date.UTC(1990, 0, 1)
const latestMs = Date.UTC(2100, 0, 1)

export function checkTime(at: number): void {
  if (typeof at !== 'number' || !(at >= earliestMs && at < latestMs)) {
    throw new TypeError(`at is ${String(at)}, expected Unix milliseconds in the years 1990 to 2100`)
  }
}
