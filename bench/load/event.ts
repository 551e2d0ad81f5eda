import { randomBytes } from 'node:crypto'

/**
 * Every load numbers its events from 0. The number is written into the callId as eight hexadecimal digits, scattered
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

/** The number of the event within its load, or null when the callId is not of that load. */
export function numberOf(callId: string, suffix: string): number | null {
  if (callId.length !== numberMark.length + suffix.length || !callId.endsWith(suffix)) return null
  return Math.imul(Number.parseInt(callId.slice(0, numberMark.length), 16), gatherFactor) >>> 0
}

/** A `call.ended` of about 900 bytes as the platform sends it. */
function body(suffix: string): string {
  const id = `${numberMark}${suffix}`
  return JSON.stringify({
    eventType: 'call.ended',
    callId: id,
    timestamp: timeMark,
    projectId: 'project-7f3c21',
    agentId: 'agent-123-abc',
    agentName: 'Recruiter',
    data: {
      timestamp: timeMark,
      data: {
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
      },
    },
  })
}

function offsetsOf(text: string, mark: string): number[] {
  const offsets: number[] = []
  for (let at = text.indexOf(mark); at !== -1; at = text.indexOf(mark, at + 1)) offsets.push(at)
  return offsets
}

/**
 * One request, built once and then only patched: the callId's digits and the two timestamps. Writing the next event
 * costs well under a microsecond, the same for every peer; the generator shares the cores with the server.
 */
export class EventRequest {
  readonly bytes: Buffer
  readonly #numberOffsets: number[]
  readonly #timeOffsets: number[]

  constructor(target: { port: number; secret: string; callIdSuffix: string }) {
    const text = body(target.callIdSuffix)
    const request =
      `POST /webhook HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nContent-Type: application/json\r\n` +
      `Authorization: ${target.secret}\r\nContent-Length: ${text.length}\r\n\r\n${text}`
    this.bytes = Buffer.from(request, 'latin1')
    this.#numberOffsets = offsetsOf(request, numberMark)
    this.#timeOffsets = offsetsOf(request, timeMark)
  }

  /** Makes this the event with the given number, as if it had happened now. */
  write(number: number): void {
    const [first, ...others] = this.#numberOffsets
    if (first === undefined) throw new Error('The event has no place for its number.')
    let rest = Math.imul(number, scatterFactor) >>> 0
    for (let at = first + numberMark.length - 1; at >= first; at--) {
      this.bytes[at] = hexDigits[rest & 15] ?? 0
      rest >>>= 4
    }
    for (const offset of others) this.bytes.copyWithin(offset, first, first + numberMark.length)
    const time = currentTime()
    for (const offset of this.#timeOffsets) time.copy(this.bytes, offset)
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
