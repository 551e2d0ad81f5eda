import { expect } from 'vitest'
import type { Answer } from '@hookswitch/receiver'
import type { Endpoint, Entry } from './app.ts'
import { Connection, type WireAnswer } from './connection.ts'
import type { Harness } from './harness.ts'
import { encodeRequest, type RequestParts } from './request.ts'
import { until } from './until.ts'

export interface SendParts extends Omit<RequestParts, 'path'> {
  /** What stands behind the path. */
  after?: string
}

const isPath = (to: string): to is `/${string}` => to.startsWith('/')

/** What one case does with a server: it sends, and looks at what came of it. */
export class Visitor {
  readonly harness: Harness
  readonly #connections: Connection[] = []

  constructor(harness: Harness) {
    this.harness = harness
  }

  async connect(): Promise<Connection> {
    const connection = await Connection.open(this.harness.port)
    this.#connections.push(connection)
    return connection
  }

  /** Sends one request over a connection of its own. */
  async send(to: Endpoint | `/${string}`, parts: SendParts): Promise<WireAnswer> {
    return this.sendOver(await this.connect(), to, parts)
  }

  /** @param to an endpoint of the suite, or a path as it is. */
  async sendOver(
    connection: Connection,
    to: Endpoint | `/${string}`,
    { after = '', ...parts }: SendParts,
  ): Promise<WireAnswer> {
    const path = isPath(to) ? to : this.harness.pathOf(to)
    connection.write(encodeRequest({ ...parts, path: `${path}${after}` }))
    return connection.answer(`the answer of ${to}`, parts.method)
  }

  /** The events that handlers got. */
  calls(): Extract<Entry, { what: 'call' }>[] {
    return this.harness.entries().filter((entry) => entry.what === 'call')
  }

  /** Why the receivers did what they did. */
  reasons(): (string | null)[] {
    return this.harness.entries().flatMap((entry) => (entry.what === 'log' ? [entry.reason] : []))
  }

  async untilEntry(what: string, isIt: (entry: Entry) => boolean): Promise<void> {
    await until(what, () => this.harness.entries().some(isIt))
  }

  leave(): void {
    for (const connection of this.#connections) connection.destroy()
  }
}

/** Status and body are these, and so is each of the headers; the framework may have some of its own besides. */
export function expectAnswer(answer: WireAnswer, expected: Answer): void {
  const names = [...new Set([...Object.keys(expected.headers), ...headersOfReceivers])]
  const headers = Object.fromEntries(
    names.flatMap((name) => (answer.headers[name] === undefined ? [] : [[name, answer.headers[name]]])),
  )
  expect({ status: answer.status, headers, body: answer.body }).toEqual({ ...expected })
}

/** Those that a receiver gives and a framework must not add. */
const headersOfReceivers = ['content-type', 'www-authenticate', 'allow', 'retry-after', 'accept-encoding']
