import { randomBytes } from 'node:crypto'

/**
 * Every load numbers its calls from 0. The number is written into the callId as eight hexadecimal digits, scattered
 * over the whole range: real callIds are random, and ascending ones would spare the stores the random places in
 * their indexes that they must find in earnest. Multiplying by an odd number is one to one modulo 2^32, so that the
 * number can be read back from the callId.
 */
const scatterFactor = 0x9e3779b1
const gatherFactor = inverse(scatterFactor)

function inverse(odd: number): number {
  let guess = odd
  // Newton's iteration doubles the right bits each time: 3, 6, 12, 24, 48.
  for (let round = 0; round < 5; round++) guess = Math.imul(guess, 2 - Math.imul(odd, guess))
  return guess
}

const numberMark = '########'
const timeMark = '0000-00-00T00:00:00.000Z'
const hexDigits = Buffer.from('0123456789abcdef', 'latin1')

/** What all callIds of one load share: a UUID without its first eight digits. */
export function newCallIdSuffix(): string {
  const hex = randomBytes(12).toString('hex')
  return `-${hex.slice(0, 4)}-4${hex.slice(4, 7)}-8${hex.slice(7, 10)}-${hex.slice(10, 22)}`
}

/** How the events of a load are distributed over calls. */
export interface CallShape {
  /** The types of a call's events, in their order; each occurs once. */
  types: readonly EventType[]
  /** Calls that go on at once: between two events of a call lie as many of others, less one. */
  open: number
}

type EventType = 'call.started' | 'call.answered' | 'transcription.update' | 'tool.executed' | 'call.ended'

/** Each event makes a call of its own: the most expensive case for the fold. */
export const callsOfOneEvent: CallShape = { types: ['call.ended'], open: 1 }

/** Calls as they come: only where a call has several events is there an order to keep. */
export const callsOfFiveEvents: CallShape = {
  types: ['call.started', 'call.answered', 'transcription.update', 'tool.executed', 'call.ended'],
  // At 1,000 events/s a call's events are 20 ms apart, so that some meet the one before them still on its way.
  open: 20,
}

/** Which event of a load an event is, by its number from 0; null when it is not of that load. */
export function eventNumber(
  { callId, type }: { callId: string; type: string },
  { callIdSuffix, calls }: { callIdSuffix: string; calls: CallShape },
): number | null {
  const step = calls.types.findIndex((one) => one === type)
  if (step === -1 || !callId.endsWith(callIdSuffix)) return null
  if (callId.length !== numberMark.length + callIdSuffix.length) return null
  const call = Math.imul(Number.parseInt(callId.slice(0, numberMark.length), 16), gatherFactor) >>> 0
  const { open, types } = calls
  return Math.floor(call / open) * open * types.length + step * open + (call % open)
}

/** The call and the place in it of the event with a number. */
function placeOf(number: number, { open, types }: CallShape): { call: number; step: number } {
  const round = open * types.length
  const within = number % round
  return { call: Math.floor(number / round) * open + (within % open), step: Math.floor(within / open) }
}

/** The part of an event that is its type's own. That of `call.ended` makes it about 900 bytes, as the platform sends it. */
function dataOf(type: EventType, id: string): object {
  switch (type) {
    case 'call.started':
      return { direction: 'outbound', fromNumber: '+15550100', toNumber: '+15550199' }
    case 'call.answered':
      return { ringDuration: 5 }
    case 'transcription.update':
      return { speaker: 'User', text: 'Eighty thousand, and two weeks.' }
    case 'tool.executed':
      return {
        toolName: 'lookup',
        input: { application_id: '12345' },
        output: { found: true },
        duration: 412,
      }
    case 'call.ended':
      return {
        conversationId: `conv-${id}`,
        conversationRecording: `https://recordings.example.com/${id}.mp3`,
        callDuration: 125,
        transcription: [
          { Agent: 'Hello! This is Acme Corp, am I speaking to John Doe?' },
          { User: 'Yes, that is me.' },
          { Agent: 'What salary do you expect, and how long is your notice period?' },
          { User: 'Eighty thousand, and two weeks.' },
          { Agent: 'Thank you, goodbye.' },
        ],
        outcomeResult: {
          application_id: '12345',
          user_id: 'user-789',
          session_id: 'sess-abc-def',
          candidate_name: 'John Doe',
          company_name: 'Acme Corp',
          expectedSalary: '80000',
          noticePeriod: '2 weeks',
          number_of_speakers: 2,
        },
      }
  }
}

function body(type: EventType, suffix: string): string {
  const id = `${numberMark}${suffix}`
  return JSON.stringify({
    eventType: type,
    callId: id,
    timestamp: timeMark,
    projectId: 'project-7f3c21',
    agentId: 'agent-123-abc',
    agentName: 'Recruiter',
    data: { timestamp: timeMark, data: dataOf(type, id) },
  })
}

function offsetsOf(text: string, mark: string): number[] {
  const offsets: number[] = []
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) offsets.push(at)
  return offsets
}

/** Where the requests of a load go, and how they are told from those of others. */
export interface RequestOptions {
  port: number
  secret: string
  callIdSuffix: string
  calls: CallShape
}

/**
 * The requests of one connection, one for each type, built once and then only patched: the callId's digits and the
 * two timestamps. Writing the next event costs well under a microsecond, the same for every peer; the generator
 * shares the cores with the server.
 */
export class EventRequests {
  readonly #calls: CallShape
  readonly #templates: Template[]

  constructor(options: RequestOptions) {
    this.#calls = options.calls
    this.#templates = options.calls.types.map((type) => templateOf(type, options))
  }

  /** The event with the given number, as if it had happened now; good until the next one is written. */
  write(number: number): Buffer {
    const { call, step } = placeOf(number, this.#calls)
    const template = this.#templates[step]
    const first = template?.numberOffsets[0]
    if (template === undefined || first === undefined)
      throw new Error('The event has no place for its number.')
    const { bytes, numberOffsets, timeOffsets } = template
    let rest = Math.imul(call, scatterFactor) >>> 0
    for (let at = first + numberMark.length - 1; at >= first; at--) {
      bytes[at] = hexDigits[rest & 15] ?? 0
      rest >>>= 4
    }
    for (const offset of numberOffsets) {
      if (offset !== first) bytes.copyWithin(offset, first, first + numberMark.length)
    }
    const time = currentTime()
    for (const offset of timeOffsets) time.copy(bytes, offset)
    return bytes
  }
}

interface Template {
  bytes: Buffer
  numberOffsets: number[]
  timeOffsets: number[]
}

function templateOf(type: EventType, { port, secret, callIdSuffix }: RequestOptions): Template {
  const text = body(type, callIdSuffix)
  const request =
    `POST /webhook HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
    `Authorization: ${secret}\r\nContent-Length: ${text.length}\r\n\r\n${text}`
  return {
    bytes: Buffer.from(request, 'latin1'),
    numberOffsets: offsetsOf(request, numberMark),
    timeOffsets: offsetsOf(request, timeMark),
  }
}

const timeText = Buffer.alloc(timeMark.length)
let timeTextMs = -1

/** The time as text; many events share a millisecond, so it is formatted once for each. */
function currentTime(): Buffer {
  const now = Date.now()
  if (now !== timeTextMs) {
    timeTextMs = now
    timeText.write(new Date(now).toISOString(), 'latin1')
  }
  return timeText
}
