import { performance } from 'node:perf_hooks'
import jsonata from 'jsonata'
import { CodeFailure } from './code-failure.ts'
import { problemOf } from './jsonata-problem.ts'
import { jsonText } from './json-value.ts'
import type { ThreadRun } from './thread-run.ts'

/** Expressions that are kept ready; each was some 50 µs of parsing. */
const expressionsMax = 256

/** Evaluations within evaluations: about a thousand calls of a function in itself. Calls in last place count once. */
const depthMax = 5_000

/** Items of one list: more than five times the turns of the longest transcript. */
const itemsMax = 100_000

/** Characters of one text: the transcript of the longest call as text has a little over half. */
const textCharactersMax = 8 * 1024 * 1024

/** The clock is looked at every so many steps, of about a microsecond each. */
const stepsPerLook = 64

/** How long an expression runs before whatever else the thread has to do has its turn. */
const turnMs = 10

export interface JsonataOptions {
  /** The run whose expression is being evaluated. */
  currentRun(): ThreadRun | undefined
  /** Gives the thread's other work its turn. */
  turn(run: ThreadRun): Promise<void>
}

/** What the types of the library leave out: names may be symbols. */
interface Hooked {
  assign(name: symbol, hook: (...args: never[]) => unknown): void
}

/**
 * Evaluates expressions so that they can be ended between any two steps, and hold up nothing else for longer than a
 * turn; only a single step that does not end, such as a regular expression that backtracks, can.
 *
 * They see what they are given and nothing else. `$eval` is not there: what somebody said in a call must not become
 * code. `$now()` and `$millis()` are.
 */
export class JsonataCode {
  readonly #options: JsonataOptions
  readonly #expressions = new Map<string, jsonata.Expression>()
  /** What the language itself holds to be true, which is what a filter asks: not `{}`, `[]` or `[false]`. */
  readonly #truth = jsonata('$boolean($value)')

  constructor(options: JsonataOptions) {
    this.#options = options
  }

  /** @returns JSON text: what it evaluates to, or for a filter whether that is true. */
  async run(expression: string, context: unknown, part: 'filter' | 'template'): Promise<string> {
    const compiled = this.#compiled(expression)
    let value
    try {
      value = (await compiled.evaluate(context)) as unknown
    } catch (error) {
      throw failureIn(error)
    }
    if (part === 'template') return jsonText(isFunction(value) ? null : value, withoutFunctions)
    if (typeof value !== 'boolean') value = await this.#truth.evaluate({}, { value })
    return value === true ? 'true' : 'false'
  }

  #compiled(expression: string): jsonata.Expression {
    const known = this.#expressions.get(expression)
    if (known !== undefined) {
      // The one that was not used for longest is the first.
      this.#expressions.delete(expression)
      this.#expressions.set(expression, known)
      return known
    }
    const compiled = this.#compile(expression)
    this.#expressions.set(expression, compiled)
    const [oldest] = this.#expressions.keys()
    if (this.#expressions.size > expressionsMax && oldest !== undefined) this.#expressions.delete(oldest)
    return compiled
  }

  #compile(expression: string): jsonata.Expression {
    let compiled
    try {
      compiled = jsonata(expression, { stack: depthMax, sequence: itemsMax })
    } catch (error) {
      const { line, column, message } = problemOf(expression, error)
      throw new CodeFailure(`is not JSONata at line ${line}, column ${column}: ${message}`)
    }
    // The names of the hooks are symbols, so that no expression can bind them to something else.
    const hooked = compiled as unknown as Hooked
    hooked.assign(Symbol.for('jsonata.__evaluate_entry'), () => this.#beforeStep())
    hooked.assign(Symbol.for('jsonata.__evaluate_exit'), afterStep)
    compiled.registerFunction('eval', () => {
      throw new CodeFailure('calls $eval, which is not there: nothing in an event may become code')
    })
    return compiled
  }

  #beforeStep(): Promise<void> | undefined {
    const run = this.#options.currentRun()
    if (run === undefined || run.steps++ % stepsPerLook !== 0) return undefined
    if (run.abort.signal.aborted) throw new CodeFailure('was ended')
    const now = performance.now()
    if (run.turnEndsAt === 0) run.turnEndsAt = now + turnMs
    return now < run.turnEndsAt ? undefined : this.#letOthers(run)
  }

  async #letOthers(run: ThreadRun): Promise<void> {
    await this.#options.turn(run)
    run.turnEndsAt = performance.now() + turnMs
  }
}

function afterStep(_expression: never, _input: never, _environment: never, result: unknown): void {
  if (typeof result === 'string' && result.length > textCharactersMax) {
    throw new CodeFailure(`made a text of more than ${textCharactersMax} characters`)
  }
}

/** Most of what JSONata throws is no Error: it has a code, a place, and a message that may quote a value. */
function failureIn(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || error instanceof Error) return error
  const { code, position, message } = error as { code?: unknown; position?: unknown; message?: unknown }
  if (typeof code !== 'string' || typeof message !== 'string') return error
  const at = typeof position === 'number' ? `, before character ${position}` : ''
  return new CodeFailure(`failed (${code}${at}): ${message}`)
}

function isFunction(value: unknown): boolean {
  if (typeof value === 'function') return true
  if (typeof value !== 'object' || value === null) return false
  return '_jsonata_lambda' in value || '_jsonata_function' in value
}

function withoutFunctions(_key: string, value: unknown): unknown {
  return isFunction(value) ? undefined : value
}
