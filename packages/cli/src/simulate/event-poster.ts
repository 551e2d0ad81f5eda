import * as http from 'node:http'
import * as https from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'

export interface Posting {
  body: Uint8Array
  authorization: string | null
  /** The body takes so long on its way; 0 is at once. */
  bodyMs: number
}

export type Posted =
  | { status: number; ms: number; retryAfterMs: number }
  /** No answer, so that nobody knows whether the event has arrived. */
  | { status: null; ms: number; error: Error }

/** As the platform waits. */
const answerMs = 5_000

/** A slow body comes in so many pieces. */
const slowPieces = 4

/** Posts events to one endpoint over connections that stay open. */
export class EventPoster {
  readonly #url: URL
  readonly #agent: http.Agent
  readonly #request: typeof http.request

  constructor(url: string, connectionsMax: number) {
    this.#url = new URL(url)
    const { Agent, request } = this.#url.protocol === 'https:' ? https : http
    this.#agent = new Agent({ keepAlive: true, maxSockets: connectionsMax })
    this.#request = request
  }

  /** Never rejects. A redirect is an answer like any other: following it would hand the secret to wherever it points. */
  post(posting: Posting): Promise<Posted> {
    const startedAt = performance.now()
    const passed = (): number => performance.now() - startedAt
    return new Promise((resolve) => {
      const request = this.#request(this.#url, {
        method: 'POST',
        agent: this.#agent,
        headers: {
          'content-type': 'application/json',
          'content-length': posting.body.length,
          ...(posting.authorization === null ? {} : { authorization: posting.authorization }),
        },
      })
      const timer = setTimeout(() => {
        request.destroy(new DOMException('it did not answer in time', 'TimeoutError'))
      }, answerMs)
      request.on('response', (response) => {
        const { statusCode: status = 0, headers } = response
        response.on('end', () => {
          clearTimeout(timer)
          resolve({ status, ms: passed(), retryAfterMs: secondsOf(headers['retry-after']) * 1_000 })
        })
        response.resume()
      })
      request.on('error', (error) => {
        clearTimeout(timer)
        resolve({ status: null, ms: passed(), error })
      })
      // Where the answer itself breaks off; after any other end it comes too late to count.
      request.on('close', () => {
        clearTimeout(timer)
        resolve({ status: null, ms: passed(), error: new Error('the connection was closed') })
      })
      if (posting.bodyMs === 0) request.end(posting.body)
      else void dribble(request, posting)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

async function dribble(request: http.ClientRequest, { body, bodyMs }: Posting): Promise<void> {
  const pieceBytes = Math.ceil(body.length / slowPieces)
  for (let at = 0; at < body.length && !request.destroyed; at += pieceBytes) {
    if (at > 0) await delay(bodyMs / (slowPieces - 1))
    request.write(body.subarray(at, at + pieceBytes))
  }
  request.end()
}

/** Who asks for more has mistaken the unit. */
const retryAfterSecondsMax = 3_600

/** Dates are not read: what is simulated here does not wait for tomorrow. */
function secondsOf(retryAfter: string | undefined): number {
  const seconds = retryAfter !== undefined && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : 0
  return Math.min(seconds, retryAfterSecondsMax)
}
