/** The five types that the platform documents; any other type is accepted, stored and passed on. */
export const knownEventTypes = [
  'call.started',
  'call.answered',
  'transcription.update',
  'tool.executed',
  'call.ended',
] as const

export type KnownEventType = (typeof knownEventTypes)[number]

/** `v1` is the documented envelope, `legacy` the snake_case form that live agents were seen to send. */
export type Dialect = 'v1' | 'legacy'

/** Something odd or wrong in a body. `path` is written in the sender's own names, `''` means the body itself. */
export interface Issue {
  path: string
  message: string
}

/** What the road needs to know of an event before it is stored: who it is about, what and when. */
export interface Envelope {
  dialect: Dialect
  /** Normalised: `call_end` becomes `call.ended`; an unknown type is kept as sent. */
  type: string
  callId: string
  /** Unix milliseconds of `data.timestamp`, else of `timestamp`, else null. */
  occurredAt: number | null
  /** What was odd without being a reason to refuse. */
  issues: Issue[]
}

/** One turn of a conversation. */
export interface Turn {
  /** `Agent`, `User`, or as sent. */
  speaker: string
  text: string
  /** Unix milliseconds, or null where the sender does not say. */
  at: number | null
}

export interface ToolRun {
  name: string
  input: unknown
  output: unknown
  success: boolean | null
  error: string | null
  durationMs: number | null
  /** Unix milliseconds, or null. */
  at: number | null
}

/**
 * What an event says about its call, in one vocabulary whatever its dialect and the placement of its data.
 * A field that the event does not mention is null; nothing is guessed.
 */
export interface EventFacts {
  agentId: string | null
  agentName: string | null
  projectId: string | null
  conversationId: string | null
  direction: string | null
  channel: string | null
  userNumber: string | null
  agentNumber: string | null
  /** What the caller of the platform's API sent along with the call. */
  params: Record<string, unknown> | null
  /** Times that the payload reports itself, Unix milliseconds. */
  startedAt: number | null
  answeredAt: number | null
  endedAt: number | null
  durationSeconds: number | null
  ringSeconds: number | null
  recordingUrl: string | null
  /** `delta`: these turns are new. `list`: an array, which may be all turns so far or only the new ones. */
  transcript: { form: 'delta' | 'list'; turns: Turn[] } | null
  /** Values as sent: a field may be null, and an absent one has no key. */
  outcome: Record<string, unknown> | null
  tool: ToolRun | null
  issues: Issue[]
}
