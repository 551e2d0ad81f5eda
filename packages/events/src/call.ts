import type { Turn, ToolRun } from './event.ts'

export type CallStatus = 'started' | 'answered' | 'ended'

/** A scalar with the place in the log of the event that said it; the latest by (`at`, `seq`) wins. */
export interface Said<T> {
  value: T
  at: number
  seq: number
}

/**
 * The small, order-free state of a call that the store keeps in one row. Whatever may be large (turns, tools,
 * outcome, params) is a part, one row each, so that a fold costs in proportion to the new events.
 * It is JSON: no undefined, no Map, no Date. `at` is the event's time, or when it was received if it has none.
 */
export interface CallHead {
  callId: string
  status: CallStatus
  sources: string[]
  agentId: Said<string> | null
  agentName: Said<string> | null
  projectId: Said<string> | null
  conversationId: Said<string> | null
  direction: Said<string> | null
  channel: Said<string> | null
  userNumber: Said<string> | null
  agentNumber: Said<string> | null
  recordingUrl: Said<string> | null
  durationSeconds: Said<number> | null
  ringSeconds: Said<number> | null
  /** Earliest time of a `call.started` (`answered`, `ended`) event; null where none came with a time. */
  startedEventAt: number | null
  answeredEventAt: number | null
  endedEventAt: number | null
  /** Reported inside a payload; wins over the event's own time. */
  startedReportedAt: Said<number> | null
  answeredReportedAt: Said<number> | null
  endedReportedAt: Said<number> | null
  eventCount: number
  /** By the order time of the events, Unix milliseconds. */
  firstEventAt: number
  lastEventAt: number
  /** The part that holds the outcome, the params, the final transcript: at most one of each. */
  outcome: (PartPlace & { characters: number }) | null
  params: (PartPlace & { characters: number }) | null
  final: (PartPlace & { turns: number; characters: number }) | null
  /** The longest cumulative list seen, which absorbs the shorter ones that are its beginnings. */
  cumulative: (PartPlace & { turns: number; characters: number; hash: string }) | null
  /** What the live turns, and everything else, take up so far; the limits are held against these. */
  liveTurns: number
  liveCharacters: number
  otherCharacters: number
  truncated: boolean
  /**
   * The lane of this call at each destination whose lanes are named by a path, by the destination's key: found when
   * the call is first routed there, and then kept. Set by routing; the fold only carries it on.
   */
  lanes?: Record<string, string>
}

export interface PartPlace {
  at: number
  seq: number
}

/** A piece of a call that one event brought. Its key within the call is (`kind`, `seq`). */
export type CallPart =
  | { kind: 'live'; at: number; seq: number; data: { form: 'delta' | 'list'; turns: Turn[] } }
  | { kind: 'final'; at: number; seq: number; data: Turn[] }
  | { kind: 'tool'; at: number; seq: number; data: ToolRun }
  | { kind: 'outcome'; at: number; seq: number; data: Record<string, unknown> }
  | { kind: 'params'; at: number; seq: number; data: Record<string, unknown> }

export type CallPartKind = CallPart['kind']

/** What a fold asks the store to write for one call. */
export interface CallChange {
  head: CallHead
  put: CallPart[]
  /** Stored parts that a later event replaced. */
  drop: { kind: CallPartKind; seq: number }[]
  /**
   * Present when the outcome changed: the text of its scalar values, for `?outcome.<field>=<text>`.
   * Values over 256 characters and fields past the first 64 are not in it.
   */
  outcomeText?: Record<string, string>
}

/** Limits of one record. Beyond them it is marked `truncated`; the events themselves stay whole. */
export const callLimits = {
  turnsMax: 20_000,
  transcriptCharactersMax: 4 * 1024 * 1024,
  otherCharactersMax: 1024 * 1024,
  /** Tools stop here, so that however much they returned, the outcome, which comes last, still has room. */
  toolCharactersMax: 768 * 1024,
} as const

export type OutcomeOrigin = 'echoed' | 'collected' | 'unknown'

export type OutcomeField =
  | { state: 'value'; value: unknown; origin: OutcomeOrigin; raw?: unknown; issue?: string }
  | { state: 'null'; value: null; origin: OutcomeOrigin; raw?: unknown; issue?: string }
  | { state: 'absent'; value: null; origin: OutcomeOrigin }

/** A call as the API shows it in lists: the record without transcript, tools and outcome. Times are ISO 8601 UTC. */
export interface CallSummary {
  callId: string
  status: CallStatus
  agentId: string | null
  agentName: string | null
  projectId: string | null
  conversationId: string | null
  sources: string[]
  direction: string | null
  channel: string | null
  userNumber: string | null
  agentNumber: string | null
  startedAt: string | null
  answeredAt: string | null
  endedAt: string | null
  ringSeconds: number | null
  durationSeconds: number | null
  durationSource: 'reported' | 'measured' | null
  recordingUrl: string | null
  transcriptSource: 'final' | 'live' | 'none'
  eventCount: number
  firstEventAt: string
  lastEventAt: string
  truncated: boolean
}

/** The one true record of a call, as the API shows it. */
export interface CallRecord extends CallSummary {
  params: Record<string, unknown> | null
  /** One line a turn, `Speaker: text`. */
  transcriptText: string
  transcript: { speaker: string; text: string; at: string | null }[]
  outcome: Record<string, OutcomeField>
  tools: (Omit<ToolRun, 'at'> & { at: string | null })[]
}
