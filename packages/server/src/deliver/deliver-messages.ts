import type { BlockList } from 'node:net'
import type { MessagePort } from 'node:worker_threads'
import type { AttemptResult, StoredDestination, TurnOutcome } from '@hookswitch/core'
import type { JsonSchema } from '@hookswitch/events'
import type { StoreLocation } from '@hookswitch/store-sql'
import type { SampleEvent } from './sample-call.ts'
import type { ResolvedDestination } from '../destinations/read-destination.ts'

/** What the thread that delivers is started with; all of it survives a structured clone. */
export interface DeliverThreadData {
  location: StoreLocation
  node: string
  /** The writer's thread serves this port. */
  writer: MessagePort
  /** Opens the secrets of destinations that were made over the API. */
  secretKey: string
  /** The config's destinations, whose secrets are nowhere else. */
  configured: Pick<ResolvedDestination, 'definition' | 'secrets'>[]
  agents: [id: string, agent: { echo: readonly string[] | null; outcome: JsonSchema | null }][]
  /** Addresses and CIDRs that may be reached besides public ones. */
  egressAllow: BlockList | null
  publicUrl: string | null
  version: string
  /** Filters, templates and handlers that are functions are called in a thread that loads this file itself. */
  configFile: string | null
  /** The module that `import … from 'hookswitch'` means in the config file. */
  ownModuleUrl: string
}

export type DeliverRequest =
  { test: number; destination: StoredDestination; sample: SampleEvent | null } | { stop: { drainMs: number } }

export type DeliverReply =
  | { ready: true }
  | { notStarted: string }
  | { written: DeliveryLine }
  | { tested: number; result: TestResult }
  | { failed: { code: string; detail: string | null } }
  | { said: CodeLine }
  | { stopped: true }

/** One try that is written, for the log and the metrics: no payload, nothing that the destination answered. */
export interface DeliveryLine {
  destination: string
  kind: string
  /** `evt_…`, type and call; null where the event is gone. */
  event: { id: string; type: string; callId: string } | null
  delivery: string
  replay: boolean
  attempt: number
  /** `parked`: the tries are used up, and the destination parks the lane instead of letting the delivery die. */
  outcome: TurnOutcome['kind'] | 'parked'
  verdict: AttemptResult['verdict']
  status: number | null
  cause: AttemptResult['cause']
  ms: number
  /** From the receipt of the event to the end of the try, milliseconds. */
  sinceReceivedMs: number | null
  /** False: the lane had gone to another node. */
  written: boolean
}

export type TestResult = AttemptResult & { startedAt: number; durationMs: number }

/** What a handler logged, or what the threads of user code have to tell. */
export interface CodeLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  fields: Record<string, string | number | boolean | null>
  message: string
}
