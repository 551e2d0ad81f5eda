import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A command of a page, and the answer that the page shows for it. */
export interface Step {
  command: string
  answer: Answer
  /** It sends something, and must not be repeated. */
  sends: boolean
  /** The page shows a part of the answer only. */
  inPart: boolean
  /** The answer has no end; what the page shows is its beginning. */
  endless: boolean
}

export interface Answer {
  status: number
  /** Undefined where the page shows none. */
  body?: unknown
}

const stepPattern =
  /^```sh\n((?:(?!^```)[\s\S])*?^curl [\s\S]*?)^```\n(?:\nAnswer, (\d{3})(, in part)?(, without an end)?[.:]\n(?:\n```(?:json|text)\n([\s\S]*?)^```$)?)?/gm

/** The steps of a page: blocks of shell with a `curl`, each with the `Answer, 200:` behind it, if there is one. */
export function stepsOf(text: string): Step[] {
  return [...text.matchAll(stepPattern)].map(([, command = '', status = '200', part, endless, shown]) => {
    const body: unknown = endless === undefined && shown !== undefined ? JSON.parse(shown) : shown?.trimEnd()
    return {
      command,
      answer: { status: Number(status), ...(body === undefined ? {} : { body }) },
      sends: / -[Xd] /.test(command),
      inPart: part !== undefined,
      endless: endless !== undefined,
    }
  })
}

/** An answer on a stream comes at once, or not at all. */
const streamMs = 10_000

/** What is made anew each time; the page shows those of one run. The ids of calls that senders choose are shorter. */
const madeAnew = /^(?:(evt|sec|whk|dst|whsec|whpk)_[\w+/=-]+|(call|conv|agt)_[0-9a-z]{26})$/

/** Of something that is made anew, what it is. */
function kindOf(id: string): string | undefined {
  const [, kind, longKind] = madeAnew.exec(id) ?? []
  return kind ?? longKind
}

/** Events of the examples say times of their own under this name; those that are published have the time of now. */
const isTimeOfNow = (key: string, found: string): boolean =>
  timesOfNow.has(key) || (key === 'timestamp' && Math.abs(Date.parse(found) - Date.now()) < 3_600_000)

const timesOfNow = new Set([
  'receivedAt',
  'createdAt',
  'updatedAt',
  'expiresAt',
  'removedBefore',
  'lastUsedAt',
  'startedAt',
  'finishedAt',
  'since',
  'at',
  'previousUntil',
])

/**
 * Runs the commands of a page against a server and gives each answer in the terms of the page: an id that was made now
 * stands for the page's, wherever it comes again, and the page's ids stand for those in the commands.
 */
export class Replay {
  readonly #variables: Record<string, string>
  /** By what the page shows, what it is in this run: ids that were made now. */
  readonly #made = new Map<string, string>()

  /** @param stands what the page shows for something of this run, such as the address of a receiver. */
  constructor(variables: Record<string, string>, stands: Record<string, string> = {}) {
    this.#variables = variables
    for (const [shown, real] of Object.entries(stands)) this.#made.set(shown, real)
  }

  async run(step: Step): Promise<Answer> {
    let command = step.command
    for (const [shown, made] of this.#made) command = command.replaceAll(shown, made)
    if (step.endless) return { status: 200, body: await this.#beginning(command, String(step.answer.body)) }
    const script = command.replace(/^curl /m, String.raw`curl -sS -w '\n%{http_code}' `)
    const { stdout } = await run('sh', ['-ec', script], { env: this.#variables })
    const end = stdout.lastIndexOf('\n')
    const answer = { status: Number(stdout.slice(end + 1)) }
    if (!('body' in step.answer)) return answer
    return { ...answer, body: this.#inTermsOf(step.answer.body, JSON.parse(stdout.slice(0, end)), '') }
  }

  /** As many lines of an endless answer as the page shows. */
  async #beginning(command: string, shown: string): Promise<string> {
    const child = spawn('sh', ['-ec', command.replace(/^curl /m, 'exec curl -sS ')], {
      env: this.#variables,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const timer = setTimeout(() => child.kill(), streamMs)
    let text = ''
    for await (const chunk of child.stdout.setEncoding('utf8')) {
      text += String(chunk)
      if (text.trimEnd().split('\n').length >= shown.split('\n').length) break
    }
    clearTimeout(timer)
    child.kill()
    for (const [id, made] of this.#made) text = text.replaceAll(made, id)
    const [, receivedAt = ''] = /"receivedAt":"([^"]+)"/.exec(shown) ?? []
    return text
      .trimEnd()
      .replace(/"receivedAt":"[^"]+"/, `"receivedAt":"${receivedAt}"`)
      .replace(/"body":\{.*\}\}$/, '"body":{…}}')
  }

  #inTermsOf(shown: unknown, found: unknown, key: string): unknown {
    if (key === 'durationMs' && typeof shown === 'number' && typeof found === 'number') return shown
    if (typeof shown === 'string' && typeof found === 'string') {
      if (this.#made.get(shown) === found) return shown
      if (isTimeOfNow(key, found) && !Number.isNaN(Date.parse(found))) return shown
      const kind = kindOf(shown)
      if (kind === undefined || kindOf(found) !== kind) return found
      if (!this.#made.has(shown)) this.#made.set(shown, found)
      return this.#made.get(shown) === found ? shown : found
    }
    if (Array.isArray(shown) && Array.isArray(found)) {
      return found.map((item, at) => this.#inTermsOf(shown[at], item, ''))
    }
    if (isObject(shown) && isObject(found)) {
      return Object.fromEntries(
        Object.entries(found).map(([name, value]) => [name, this.#inTermsOf(shown[name], value, name)]),
      )
    }
    return found
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
