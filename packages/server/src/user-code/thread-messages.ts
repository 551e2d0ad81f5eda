import type { MessagePort } from 'node:worker_threads'
import type { UserCodeFailure, UserCodeLine, UserCodePart } from './user-code.ts'

/** What a work thread is started with. */
export interface WorkThreadData {
  /** Cells that both sides read and write while the other is busy. */
  cells: Int32Array<SharedArrayBuffer>
  /** Of its own, and not the thread's parent port, which a library of the config file may use. */
  port: MessagePort
  configFile: string | null
  /** The module that `import … from 'hookswitch'` means in the config file. */
  ownModuleUrl: string
}

export const cell = {
  /** Counted up by a timer of the thread: it gives control back. */
  pulse: 0,
  /** The number of the run that was begun last; they begin in the order of their numbers. */
  begun: 1,
  /** The number of the run whose code has control; 0 when none has, or it is not known which. */
  executing: 2,
  /** 1: the thread begins nothing more. */
  shut: 3,
} as const

export const cellCount = 4

/** Numbers of runs fit a cell; a thread does not live that long. */
export const runsMax = 1_000_000_000

export interface RunOrder {
  number: number
  destination: string
  deliveryId: string
  part: UserCodePart
  jsonata: string | null
  /** JSON text: it is made once and read once, whatever the size of the call. */
  context: string
  attempt: number
}

export type HostMessage = { run: RunOrder } | { abort: number; overdue: boolean }

/** What the code came to; a value is JSON text. */
export type ThreadResult = { ok: true; value: string } | (UserCodeFailure & { verdict: 'retry' | 'reject' })

export type ThreadMessage =
  | { ready: { memoryBytes: number } }
  | { ended: number; result: ThreadResult }
  /** Not begun, since the thread was shut or the run aborted. */
  | { dropped: number }
  | { line: UserCodeLine }
