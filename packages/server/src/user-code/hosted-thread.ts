import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads'
import { threadEntry } from '../threads/thread-entry.ts'
import type { HostedRun } from './hosted-run.ts'
import {
  cell,
  cellCount,
  runsMax,
  type HostMessage,
  type RunOrder,
  type ThreadMessage,
  type WorkThreadData,
} from './thread-messages.ts'
import type { UserCodeLine } from './user-code.ts'

export interface HostedThreadOptions extends Pick<WorkThreadData, 'configFile' | 'ownModuleUrl'> {
  name: string
  onReady(): void
  onEnded(run: HostedRun): void
  /** It was given a run that it has not begun, and never will. */
  onDropped(run: HostedRun): void
  onLine(line: UserCodeLine): void
  /** It ended without having been told to. */
  onDied(cause: string): void
}

/**
 * The host's side of one work thread: hands runs over, and sees from outside what the thread is at, also while
 * nothing in it can answer.
 */
export class HostedThread {
  /** Forward only: a thread that was shut begins nothing more, and ends when it has nothing left to do. */
  state: 'starting' | 'open' | 'shut' | 'over' = 'starting'
  /** Handed over and not ended there, the settled ones among them. */
  readonly runs = new Map<number, HostedRun>()
  readonly startedAt = performance.now()
  /** When it was last given something, or ended something. */
  busyAt = performance.now()
  /** Bytes that it has taken since it was ready, when they were last asked for. */
  memoryTaken = 0

  readonly #options: HostedThreadOptions
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #cells = new Int32Array(new SharedArrayBuffer(cellCount * Int32Array.BYTES_PER_ELEMENT))
  #lastNumber = 0
  #pulse = 0
  #heardAt = performance.now()
  #memoryAtStart = 0
  #askingMemory = false

  constructor(options: HostedThreadOptions) {
    this.#options = options
    const { configFile, ownModuleUrl, name } = options
    const { port1, port2 } = new MessageChannel()
    const { url, execArgv } = threadEntry(import.meta.url, 'work-thread')
    this.#port = port1
    this.#worker = new Worker(url, {
      name,
      workerData: { cells: this.#cells, port: port2, configFile, ownModuleUrl } satisfies WorkThreadData,
      transferList: [port2],
      ...(execArgv === null ? {} : { execArgv }),
      resourceLimits,
    })
    port1.on('message', (message: ThreadMessage) => this.#take(message))
    let cause = ''
    this.#worker.on('error', (error) => {
      cause = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    })
    this.#worker.on('exit', (code) => {
      if (this.state !== 'over') options.onDied(cause === '' ? `exit code ${code}` : cause)
    })
  }

  give(run: HostedRun): void {
    this.#lastNumber += 1
    run.handTo(this, this.#lastNumber)
    this.runs.set(run.number, run)
    this.busyAt = performance.now()
    const { destination, deliveryId, part, jsonata, attempt } = run.request
    const { number, context } = run
    this.#say({
      run: { number, destination, deliveryId, part, jsonata, context, attempt } satisfies RunOrder,
    })
  }

  abort(run: HostedRun): void {
    this.#say({ abort: run.number, overdue: run.cutShort === 'overdue' })
  }

  hasBegun(run: HostedRun): boolean {
    return run.thread === this && run.number <= Atomics.load(this.#cells, cell.begun)
  }

  /** The run whose code has control in this moment, where that is known. */
  executing(): HostedRun | null {
    return this.runs.get(Atomics.load(this.#cells, cell.executing)) ?? null
  }

  /** Milliseconds without a sign from it, as far as the looks at it tell. */
  silentMs(now: number): number {
    const pulse = Atomics.load(this.#cells, cell.pulse)
    if (pulse !== this.#pulse) {
      this.#pulse = pulse
      this.#heardAt = now
    }
    return now - this.#heardAt
  }

  /** Begins to count its silence anew: nobody looked for a while. */
  forgive(now: number): void {
    this.#heardAt = now
  }

  /** True when it has begun about as many runs as it can count. */
  get wornOut(): boolean {
    return this.#lastNumber >= runsMax
  }

  /** Lets it begin nothing more, and gives back what it has not begun. */
  shut(): HostedRun[] {
    this.state = 'shut'
    Atomics.store(this.#cells, cell.shut, 1)
    const back = [...this.runs.values()].filter((run) => !this.hasBegun(run))
    for (const run of back) this.#forget(run)
    return back
  }

  /** Takes what it has said and nobody has heard yet, before it is judged. */
  hear(): void {
    for (;;) {
      const heard: { message: ThreadMessage } | undefined = receiveMessageOnPort(this.#port)
      if (heard === undefined) return
      this.#take(heard.message)
    }
  }

  /** Asks for its memory; the answer is there at a later look. A thread that is busy answers too. */
  measure(): void {
    if (this.#askingMemory) return
    this.#askingMemory = true
    void this.#worker
      .getHeapStatistics()
      .then(
        ({ used_heap_size: heap, external_memory: external }) => {
          this.memoryTaken = heap + external - this.#memoryAtStart
        },
        // It is about to end.
        () => {},
      )
      .finally(() => {
        this.#askingMemory = false
      })
  }

  /** Ends it, whatever it is doing. Resolves when it is gone; native code can hold that up without bound. */
  async end(): Promise<void> {
    this.state = 'over'
    this.#port.close()
    await this.#worker.terminate()
  }

  #take(message: ThreadMessage): void {
    if (this.state === 'over') return
    if ('ready' in message) {
      this.state = 'open'
      this.#memoryAtStart = message.ready.memoryBytes
      this.forgive(performance.now())
      this.#options.onReady()
    } else if ('ended' in message) {
      const run = this.runs.get(message.ended)
      if (run === undefined) return
      this.#forget(run)
      this.#options.onEnded(run)
      run.end(message.result)
    } else if ('dropped' in message) {
      const run = this.runs.get(message.dropped)
      if (run === undefined) return
      this.#forget(run)
      if (!run.settled) this.#options.onDropped(run)
    } else this.#options.onLine(message.line)
  }

  #forget(run: HostedRun): void {
    this.runs.delete(run.number)
    run.thread = null
    this.busyAt = performance.now()
  }

  #say(message: HostMessage): void {
    this.#port.postMessage(message)
  }
}

/**
 * The memory of user code is bounded by the looks at it, not by these: a single large allocation beyond a limit of
 * the engine ends the whole process, where the looks end the thread. So the limit is far from what is allowed.
 */
const resourceLimits = { maxOldGenerationSizeMb: 4_096, maxYoungGenerationSizeMb: 16 }
