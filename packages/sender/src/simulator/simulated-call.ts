import type { Dialect, KnownEventType } from '@hookswitch/events'
import type { CallFault, EventFault } from './faults.ts'
import type { Language } from './story.ts'

export interface SpokenTurn {
  speaker: 'Agent' | 'User'
  text: string
}

export interface ToolUse {
  name: string
  input: unknown
  output: unknown
  success: boolean
  error: string | null
  durationMs: number
}

/** What whoever reads an event learns from it, in the words of the call record; what it does not say is not here. */
export interface Said {
  agentId: string
  agentName?: string
  projectId?: string
  conversationId?: string
  direction?: string
  userNumber?: string
  agentNumber?: string
  params?: Record<string, unknown>
  ringSeconds?: number
  /** `delta`: one more turn. `list`: all turns so far. */
  live?: { form: 'delta' | 'list'; turns: readonly SpokenTurn[] }
  tool?: ToolUse
  end?: {
    /** Made when asked for: it may be megabytes. */
    transcript: () => readonly SpokenTurn[]
    outcome: Record<string, unknown>
    recordingUrl: string | null
    durationSeconds: number | null
    /** Beside the time of the event; Unix milliseconds. */
    reported: { startedAt: number; endedAt: number } | null
  }
}

export interface SimulatedEvent {
  type: KnownEventType
  dialect: Dialect
  /** Unix milliseconds. */
  at: number
  says: Said
  /** The bytes that are sent, the same whenever they are asked for. */
  body: () => Uint8Array<ArrayBuffer>
}

/** A request, or two at once with the same event. */
export interface SimulatedSend {
  /** Which of the call's events. */
  event: number
  /** Milliseconds after the start of the simulation; not before the send before it was answered. */
  dueMs: number
  copies: 1 | 2
  /** Whether the secret that it shows is the right one. */
  token: 'right' | 'wrong'
  /** The body takes so long on its way, whatever the speed; 0 is at once. */
  bodyMs: number
  /** What is wrong with it. */
  faults: readonly EventFault[]
}

export interface SimulatedCall {
  /** From 0, in the order in which the calls begin. */
  number: number
  callId: string
  agentId: string
  agentName: string
  language: Language
  /** How it ends, in the words of the platform. */
  status: 'COMPLETED' | 'NO_ANSWER' | 'FAILED'
  /** Milliseconds after the start of the simulation. */
  beginsMs: number
  /** What is odd about the call as a whole. */
  faults: readonly CallFault[]
  /** All different from one another, in the order in which they happen. */
  events: readonly SimulatedEvent[]
  /** What goes out, one after the other. An event that was dropped is in none. */
  sends: readonly SimulatedSend[]
}
