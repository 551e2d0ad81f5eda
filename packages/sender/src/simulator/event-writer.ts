import type { Dialect } from '@hookswitch/events'
import { buildEvent, type EventInput } from '../build-event.ts'
import { buildLegacyEvent } from '../build-legacy-event.ts'
import type { Course } from './course.ts'
import type { WrittenOutcome } from './outcome.ts'
import type { Said as EventSaid, SimulatedEvent, SpokenTurn } from './simulated-call.ts'
import type { Beat } from './story.ts'

/** Who and what a call is about; the same in all its events. */
export interface Cast {
  callId: string
  agentId: string
  agentName: string
  conversationId: string
  direction: string
  userNumber: string
  agentNumber: string
  params: Record<string, string>
  form: 'delta' | 'cumulative'
  saysDuration: boolean
  outcome: WrittenOutcome
  /** Of the end of the call. */
  transcript: () => readonly SpokenTurn[]
  /** Unix milliseconds. */
  startedAt: number
  course: Course
}

/** Besides the agent's id, which each event has. */
type Said = Omit<EventSaid, 'agentId'>

/** The project of all simulated agents. */
const projectId = 'sim-project'

const encoder = new TextEncoder()

/** Writes the events of one call, in either dialect, and beside each what it says. */
export class EventWriter {
  readonly cast: Cast

  constructor(cast: Cast) {
    this.cast = cast
  }

  started(dialect: Dialect): SimulatedEvent {
    const { conversationId, direction, userNumber, agentNumber, params } = this.cast
    const says = { conversationId, direction, userNumber, agentNumber, params }
    return this.#event(dialect, 'call.started', 0, {}, says)
  }

  answered(dialect: Dialect, { offsetMs, ringSeconds }: NonNullable<Course['answer']>): SimulatedEvent {
    return this.#event(dialect, 'call.answered', offsetMs, { ringDuration: ringSeconds }, { ringSeconds })
  }

  /** @param turns all so far, the new one last. */
  spoken(dialect: Dialect, offsetMs: number, turns: readonly SpokenTurn[]): SimulatedEvent {
    const { conversationId, form } = this.cast
    if (form === 'delta') {
      const last = turns.slice(-1)
      return this.#event(
        dialect,
        'transcription.update',
        offsetMs,
        { ...last[0] },
        { live: { form, turns: last } },
      )
    }
    const data = { conversationId, transcription: written(turns) }
    const says: Said = { conversationId, live: { form: 'list', turns } }
    return this.#event(dialect, 'transcription.update', offsetMs, data, says)
  }

  tool(dialect: Dialect, offsetMs: number, beat: Beat & { kind: 'tool' }): SimulatedEvent {
    const { name, input, output, error, durationMs } = beat
    const success = error === null
    const data = { toolName: name, input, output, success, duration: durationMs, error }
    return this.#event(dialect, 'tool.executed', offsetMs, data, {
      tool: { name, input, output, success, error, durationMs },
    })
  }

  ended(dialect: Dialect, offsetMs: number, recordingUrl: string | null): SimulatedEvent {
    const { conversationId, params, saysDuration, outcome, transcript, startedAt, course } = this.cast
    const { answer, endMs, status } = course
    const talkedMs = answer === null ? 0 : endMs - answer.offsetMs
    // The second form says all times itself.
    const durationSeconds = saysDuration || dialect === 'legacy' ? Math.round(talkedMs / 1_000) : null
    const reported = dialect === 'legacy' ? { startedAt, endedAt: startedAt + endMs } : null
    const data = (): Record<string, unknown> => ({
      conversationRecording: recordingUrl,
      transcription: written(transcript()),
      outcomeResult: outcome.collected,
      callStatus: status,
      ...(durationSeconds === null ? {} : { callDuration: durationSeconds }),
      ...(reported === null ? {} : { callStartedAt: reported.startedAt, callEndedAt: reported.endedAt }),
    })
    return this.#event(dialect, 'call.ended', offsetMs, data, {
      conversationId,
      end: {
        transcript,
        outcome: { ...params, ...outcome.collected },
        recordingUrl,
        durationSeconds,
        reported,
      },
    })
  }

  #event(
    dialect: Dialect,
    type: SimulatedEvent['type'],
    offsetMs: number,
    data: Record<string, unknown> | (() => Record<string, unknown>),
    says: Said,
  ): SimulatedEvent {
    const { callId, agentId, agentName, conversationId, startedAt } = this.cast
    const at = startedAt + offsetMs
    const body = (): Uint8Array<ArrayBuffer> =>
      this.#body(dialect, { eventType: type, callId, at, data: typeof data === 'function' ? data() : data })
    const named: Said = dialect === 'v1' ? { agentName, projectId } : { conversationId }
    return { type, dialect, at, says: { agentId, ...named, ...says }, body }
  }

  #body(
    dialect: Dialect,
    input: Pick<EventInput, 'eventType' | 'callId' | 'at' | 'data'>,
  ): Uint8Array<ArrayBuffer> {
    const { agentId, agentName, params, outcome } = this.cast
    const build = dialect === 'v1' ? buildEvent : buildLegacyEvent
    const built = build({ ...input, projectId, agentId, agentName, params, call: this.cast })
    if (input.eventType !== 'call.ended' || !outcome.asText) return built.body
    const { data } = built.event as { data: Record<string, unknown> }
    const holder = dialect === 'v1' ? (data['data'] as Record<string, unknown>) : data
    holder['outcomeResult'] = JSON.stringify(holder['outcomeResult'])
    return encoder.encode(JSON.stringify(built.event))
  }
}

/** `{"Agent":"…"}`, as the platform writes them. */
function written(turns: readonly SpokenTurn[]): Record<string, string>[] {
  return turns.map(({ speaker, text }) => ({ [speaker]: text }))
}
