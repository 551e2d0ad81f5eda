import { createHash } from 'node:crypto'

/**
 * The promises of ARCHITECTURE.md that a trial can see broken. Besides: `store`, that the port answers what it says,
 * and `stop`, that a node ends when it is told to.
 */
export type Promised = 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6' | 'P7' | 'store' | 'stop'

/** A promise that was broken, and how. */
export interface Breach {
  promise: Promised
  message: string
  atMs: number
}

/** As many lines before a breach are kept. */
const tailLines = 60

/** What happened, line by line; the first breach; and how often each thing happened. */
export class Trace {
  breach: Breach | null = null
  readonly counts: Record<string, number> = {}
  readonly #now: () => number
  readonly #print: ((line: string) => void) | null
  readonly #hash = createHash('sha256')
  readonly #lines: string[] = []
  #isSilent = false

  constructor(now: () => number, print: ((line: string) => void) | null) {
    this.#now = now
    this.#print = print
  }

  /** @param who a node, a destination, the operator. */
  note(who: string, what: string): void {
    const line = `${(this.#now() / 1_000).toFixed(3).padStart(9)}  ${who.padEnd(12)} ${what}`
    this.#hash.update(line)
    this.#print?.(line)
    this.#lines.push(line)
    if (this.#lines.length > tailLines * 2) this.#lines.splice(0, tailLines)
  }

  count(what: string, by = 1): void {
    if (this.#isSilent) return
    this.counts[what] = (this.counts[what] ?? 0) + by
  }

  /** What is gone through once more is not counted once more. */
  silently(run: () => void): void {
    this.#isSilent = true
    run()
    this.#isSilent = false
  }

  /** Only the first counts: what comes after it may be its consequence. */
  broken(promise: Promised, message: string): void {
    if (this.breach !== null) return
    this.breach = { promise, message, atMs: this.#now() }
    this.note('TRIAL', `${promise} is broken: ${message}`)
  }

  get tail(): string[] {
    return this.#lines.slice(-tailLines)
  }

  /** The same for two runs in which the same things happened. */
  hash(): string {
    return this.#hash.copy().digest('hex')
  }
}
