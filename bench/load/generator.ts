import { machineMs } from './clock.ts'
import { Connection, type Answer } from './connection.ts'
import { EventRequests } from './event.ts'
import { Histogram } from './histogram.ts'
import type { LoadMessage, LoadOptions, LoadResult } from './load.ts'

/** How long answers are waited for after the last request. */
const lastAnswersMs = 15_000
/** More broken connections than this and the server is not one to be measured. */
const brokenMax = 1_000
const refusalsKept = 100

interface Slot {
  connection: Connection
  requests: EventRequests
  /** The event under way, or null. */
  number: number | null
  /** When its latency began, by performance.now(). */
  since: number
  /** Sent while the window was open: its latency counts, whenever the answer comes. */
  counts: boolean
}

/** Runs one load against one port and tells the bench about it. */
class Generator {
  readonly #options: LoadOptions
  readonly #tell: (message: LoadMessage) => void
  readonly #latency = new Histogram()
  readonly #lateness = new Histogram()
  readonly #idle: Slot[] = []
  readonly #slots = new Set<Slot>()
  readonly #unacknowledged: number[] = []
  readonly #refusals: LoadResult['refusals'] = []
  readonly #answers = new Map<string, number>()
  readonly #eachSecond: number[] = []
  #sent = 0
  #acknowledged = 0
  #broken = 0
  #underWay = 0
  #startedAt = 0
  #startedMs = 0
  #firstNumber = 0
  #endNumber = 0
  #windowOpen = false
  #windowOpenedAt = 0
  #windowSeconds = 0
  #acknowledgedAtOpening = 0
  #acknowledgedInWindow = 0
  #sending = true
  #ended = false
  #timers: NodeJS.Timeout[] = []

  constructor(options: LoadOptions, tell: (message: LoadMessage) => void) {
    this.#options = options
    this.#tell = tell
  }

  start(): void {
    const { connections, warmUpMs, windowMs, ratePerSecond } = this.#options
    this.#startedAt = performance.now()
    this.#startedMs = machineMs()
    for (let n = 0; n < connections; n++) this.#connect()
    this.#timers.push(
      setTimeout(() => this.#openWindow(), warmUpMs),
      setTimeout(() => this.#stopSending(), warmUpMs + windowMs),
    )
    // A timer and not a spin: a generator that takes a whole core would measure itself.
    if (ratePerSecond !== null) this.#timers.push(setInterval(() => this.#pump(), 1))
    this.#pump()
  }

  #connect(): void {
    const slot: Slot = {
      connection: new Connection(
        this.#options.port,
        (answer) => this.#onAnswer(slot, answer),
        (reason) => this.#onBroken(slot, reason),
      ),
      requests: new EventRequests(this.#options),
      number: null,
      since: 0,
      counts: false,
    }
    this.#slots.add(slot)
    this.#idle.push(slot)
  }

  /** Sends what is due on the connections that are free. */
  #pump(): void {
    const { ratePerSecond, requestsMax } = this.#options
    while (this.#sending && this.#idle.length > 0 && this.#sent < requestsMax) {
      const now = performance.now()
      let since = now
      if (ratePerSecond !== null) {
        since = this.#startedAt + (this.#sent * 1000) / ratePerSecond
        if (since > now) return
        if (this.#windowOpen) this.#lateness.record((now - since) * 1000)
      }
      // The one that was idle longest, so that none is idle so long that the server closes it.
      const slot = this.#idle.shift()
      if (slot === undefined) return
      slot.number = this.#sent++
      slot.since = since
      slot.counts = this.#windowOpen
      this.#underWay++
      slot.connection.send(slot.requests.write(slot.number))
    }
    if (this.#sent >= requestsMax) this.#stopSending()
  }

  #onAnswer(slot: Slot, answer: Answer): void {
    if (slot.number === null) return this.#onBroken(slot, 'an answer without a request')
    if (slot.counts) this.#latency.record((performance.now() - slot.since) * 1000)
    if (answer.status === 200) {
      this.#acknowledged++
    } else {
      this.#count(String(answer.status))
      this.#unacknowledged.push(slot.number)
      if (this.#refusals.length < refusalsKept) {
        this.#refusals.push({ number: slot.number, status: answer.status, body: answer.refusal })
      }
    }
    this.#underWay--
    slot.number = null
    this.#idle.push(slot)
    this.#pump()
    this.#finishIfQuiet()
  }

  #onBroken(slot: Slot, reason: string): void {
    this.#slots.delete(slot)
    const at = this.#idle.indexOf(slot)
    if (at !== -1) this.#idle.splice(at, 1)
    if (slot.number !== null) {
      this.#count('broken')
      this.#unacknowledged.push(slot.number)
      this.#underWay--
    }
    if (++this.#broken > brokenMax) {
      return this.#end({ kind: 'failed', reason: `${brokenMax} connections broke, the last one: ${reason}` })
    }
    if (this.#sending) {
      this.#connect()
      this.#pump()
    }
    this.#finishIfQuiet()
  }

  #count(answer: string): void {
    this.#answers.set(answer, (this.#answers.get(answer) ?? 0) + 1)
  }

  #openWindow(): void {
    this.#windowOpen = true
    this.#windowOpenedAt = performance.now()
    this.#firstNumber = this.#sent
    this.#acknowledgedAtOpening = this.#acknowledged
    let before = this.#acknowledged
    this.#timers.push(
      setInterval(() => {
        this.#eachSecond.push(this.#acknowledged - before)
        before = this.#acknowledged
      }, 1000),
    )
    this.#tell({ kind: 'window', open: true })
  }

  /** Ends the window and the sending; answers under way are still waited for, and do not count for the rate. */
  #stopSending(): void {
    if (!this.#sending) return
    this.#sending = false
    if (this.#windowOpen) {
      this.#windowSeconds = (performance.now() - this.#windowOpenedAt) / 1000
      this.#acknowledgedInWindow = this.#acknowledged - this.#acknowledgedAtOpening
      this.#endNumber = this.#sent
      this.#windowOpen = false
    }
    this.#tell({ kind: 'window', open: false })
    this.#clearTimers()
    this.#timers.push(setTimeout(() => this.#finish(), lastAnswersMs))
    this.#finishIfQuiet()
  }

  #finishIfQuiet(): void {
    if (!this.#sending && this.#underWay === 0) this.#finish()
  }

  #finish(): void {
    for (const slot of this.#slots) {
      if (slot.number === null) continue
      this.#count('unanswered')
      this.#unacknowledged.push(slot.number)
    }
    const cpu = process.cpuUsage()
    const result: LoadResult = {
      callIdSuffix: this.#options.callIdSuffix,
      calls: this.#options.calls,
      startedMs: this.#startedMs,
      sent: this.#sent,
      acknowledged: this.#acknowledged,
      unacknowledged: this.#unacknowledged,
      answers: { 200: this.#acknowledged, ...Object.fromEntries(this.#answers) },
      refusals: this.#refusals,
      window: {
        seconds: this.#windowSeconds,
        acknowledged: this.#acknowledgedInWindow,
        perSecond: this.#windowSeconds === 0 ? 0 : this.#acknowledgedInWindow / this.#windowSeconds,
        eachSecond: this.#eachSecond,
        firstNumber: this.#firstNumber,
        endNumber: this.#endNumber,
      },
      latency: this.#latency.summary(),
      lateness: this.#options.ratePerSecond === null ? null : this.#lateness.summary(),
      generatorMicrosPerRequest: (cpu.user + cpu.system) / Math.max(this.#sent, 1),
    }
    this.#end({ kind: 'done', result })
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers = []
  }

  #end(message: LoadMessage): void {
    if (this.#ended) return
    this.#ended = true
    this.#sending = false
    this.#clearTimers()
    for (const slot of this.#slots) slot.connection.close()
    this.#tell(message)
  }
}

function tellBench(message: LoadMessage): void {
  const isLast = message.kind !== 'window'
  process.send?.(message, () => {
    if (isLast) process.disconnect()
  })
}

process.once('message', (options: LoadOptions) => new Generator(options, tellBench).start())
process.once('disconnect', () => process.exit(0))
