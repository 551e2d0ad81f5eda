import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  acceptedBody,
  acceptedHeaders,
  duplicateBody,
  ingestAnswers,
  invalidPayload,
  type IngestErrorCode,
  readBody,
  readEnvelope,
  type Issue,
} from '@hookswitch/events'
import type { Acceptor, Accepted } from '../accept/acceptor.ts'
import { InFlight } from '../accept/in-flight.ts'
import type { Arrival, Refusal } from './arrival.ts'
import { BodyReader, SlowBodies, type BodyRead } from './body.ts'
import type { IngestLimits } from './limits.ts'
import { newEvent } from './new-event.ts'
import type { Source } from './source.ts'

export interface IngestOptions {
  acceptor: Acceptor
  limits: IngestLimits
  /** The source of that name, or undefined. */
  source(name: string): Source | undefined
  /** Where `POST /webhook` goes. */
  defaultSource: string
  /** The sender's address, through the proxies that are trusted. */
  address(request: IncomingMessage): string
  observe(arrival: Arrival): void
  /** Unix milliseconds. */
  clock: () => number
}

export interface Ingest {
  /** Handles a request whose path `isIngestPath` says yes to. */
  handle(request: IncomingMessage, response: ServerResponse): void
  /** The same for a request that waits for `100 Continue`: refused before its body is sent, where it can be. */
  handleExpectingContinue(request: IncomingMessage, response: ServerResponse): void
  readonly inFlightBytes: number
  /** From now on new requests are refused with 503. */
  stop(): void
  close(): void
}

/** `/webhook` and whatever is below it; the query does not count. */
export function isIngestPath(url: string): boolean {
  if (!url.startsWith('/webhook')) return false
  const next = url.charCodeAt(8)
  return Number.isNaN(next) || next === slash || next === questionMark
}

const slash = 0x2f
const questionMark = 0x3f

type Refused = { reason: Refusal; detail?: string; issues?: readonly Issue[] }

export function createIngest(options: IngestOptions): Ingest {
  const { acceptor, limits, observe, clock } = options
  const inFlight = new InFlight(limits.inFlightBytesMax)
  const slow = new SlowBodies(limits.bodyMs)
  let stopping = false

  function handle(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const begun = performance.now()
    // A sender that is told so opens its next connection to whoever serves then, and loses none to our end.
    if (stopping) response.shouldKeepAlive = false
    const name = sourceName(request.url ?? '', options.defaultSource)
    const source = name === null ? undefined : options.source(name)
    const refused = refuseHead(request, source)
    if (refused !== null || source === undefined) {
      refuse(request, response, source?.name ?? null, begun, 0, refused ?? { reason: 'unknown_source' })
      return
    }
    if (expectsContinue) response.writeContinue()
    const bytesMax = Math.min(source.bodyBytesMax, limits.bodyBytesMax)
    const reader: BodyReader = new BodyReader(request, bytesMax, inFlight, slow, (read: BodyRead) => {
      if (read.ok) receive(request, response, source, begun, read.body)
      else refuse(request, response, source.name, begun, reader.bytes, { reason: read.reason })
    })
  }

  /** What can be said before the body, in the order of the contract: method, source, length, secret. */
  function refuseHead(request: IncomingMessage, source: Source | undefined): Refused | null {
    if (request.method !== 'POST') return { reason: 'method_not_allowed' }
    if (source === undefined) return { reason: 'unknown_source' }
    const { headers } = request
    const declared = headers['content-length']
    if (declared !== undefined && Number(declared) > Math.min(source.bodyBytesMax, limits.bodyBytesMax)) {
      return { reason: 'too_large', detail: `declared ${declared} bytes` }
    }
    const encoding = headers['content-encoding']
    if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') return { reason: 'encoded' }
    if (!source.allows(options.address(request))) return { reason: 'address_not_allowed' }
    const secret = source.refusesSecret(headers.authorization)
    if (secret !== null) return { reason: secret }
    return stopping ? { reason: 'stopping' } : null
  }

  function receive(
    request: IncomingMessage,
    response: ServerResponse,
    source: Source,
    begun: number,
    body: Buffer,
  ): void {
    if (source.verify === null) {
      take(request, response, source, begun, body)
      return
    }
    source.verify(request.headers, body).then(
      (reason) => {
        if (reason === null) take(request, response, source, begun, body)
        else giveUp(request, response, source, begun, body, { reason: 'signature_refused', detail: reason })
      },
      () => giveUp(request, response, source, begun, body, { reason: 'signature_refused', detail: 'error' }),
    )
  }

  function take(
    request: IncomingMessage,
    response: ServerResponse,
    source: Source,
    begun: number,
    body: Buffer,
  ): void {
    const read = readBody(body)
    if (!read.ok) {
      giveUp(request, response, source, begun, body, { reason: 'invalid_payload', issues: read.issues })
      return
    }
    const found = readEnvelope(read.value)
    if (!found.ok) {
      giveUp(request, response, source, begun, body, { reason: 'invalid_payload', issues: found.issues })
      return
    }
    const { type, callId } = found.envelope
    // Remembered, because the body itself changes hands when it is written.
    const bytes = body.length
    const event = newEvent(source.name, found.envelope, read, body, clock())
    const answer = (accepted: Accepted): void => {
      if (!accepted.ok) {
        refuse(request, response, source.name, begun, bytes, {
          reason: 'store_unavailable',
          detail: accepted.error.code,
        })
        return
      }
      const { id, duplicate, collision } = accepted.appended
      if (stopping) response.shouldKeepAlive = false
      send(response, 200, acceptedHeader, duplicate ? duplicateBody(id) : acceptedBody(id))
      observe({
        source: source.name,
        address: options.address(request),
        bytes,
        ms: performance.now() - begun,
        result: duplicate ? 'duplicate' : 'accepted',
        status: 200,
        type,
        callId,
        id,
        collision,
      })
    }
    acceptor.accept(event, answer, () => inFlight.release(bytes))
  }

  /** Refuses a request whose complete body is still counted as in flight. */
  function giveUp(
    request: IncomingMessage,
    response: ServerResponse,
    source: Source,
    begun: number,
    body: Buffer,
    refused: Refused,
  ): void {
    inFlight.release(body.length)
    refuse(request, response, source.name, begun, body.length, refused)
  }

  function refuse(
    request: IncomingMessage,
    response: ServerResponse,
    source: string | null,
    begun: number,
    bytes: number,
    { reason, detail, issues }: Refused,
  ): void {
    const code = codes[reason]
    const answer = code === 'invalid_payload' ? invalidPayload(issues ?? []) : ingestAnswers[code]
    const gone = reason === 'aborted' || response.destroyed
    if (!gone) {
      const headers = Object.entries(answer.headers).flat()
      if (request.complete || restIsSmall(request)) {
        request.resume()
        send(response, answer.status, headers, answer.body)
      } else sendAndLinger(request, response, answer.status, headers, answer.body, limits.lingerMs)
    }
    observe({
      source,
      address: options.address(request),
      bytes,
      ms: performance.now() - begun,
      result: 'rejected',
      status: gone ? null : answer.status,
      reason,
      detail: detail ?? (issues === undefined ? null : paths(issues)),
    })
  }

  return {
    handle: (request, response) => handle(request, response, false),
    handleExpectingContinue: (request, response) => handle(request, response, true),
    get inFlightBytes() {
      return inFlight.bytes
    },
    stop: () => {
      stopping = true
    },
    close: () => slow.close(),
  }
}

/** What a sender is told for each reason; two reasons may get one answer, since only the log tells them apart. */
const codes: Record<Refusal, IngestErrorCode> = {
  method_not_allowed: 'method_not_allowed',
  unknown_source: 'not_found',
  too_large: 'payload_too_large',
  encoded: 'unsupported_encoding',
  address_not_allowed: 'unauthorized',
  secret_missing: 'unauthorized',
  secret_mismatch: 'unauthorized',
  secret_expired: 'unauthorized',
  signature_refused: 'unauthorized',
  too_slow: 'request_timeout',
  aborted: 'request_timeout',
  invalid_payload: 'invalid_payload',
  malformed_http: 'invalid_payload',
  too_much_in_flight: 'unavailable',
  store_unavailable: 'unavailable',
  stopping: 'unavailable',
}

const acceptedHeader = Object.entries(acceptedHeaders).flat()

/** The name after `/webhook/`, the default source for `/webhook` itself, null for anything deeper. */
function sourceName(url: string, defaultSource: string): string | null {
  const query = url.indexOf('?')
  let path = query === -1 ? url : url.slice(0, query)
  if (path.endsWith('/')) path = path.slice(0, -1)
  if (path.length <= '/webhook'.length) return defaultSource
  const name = path.slice('/webhook/'.length)
  return name.includes('/') ? null : name
}

function send(response: ServerResponse, status: number, headers: readonly string[], body: string): void {
  response.writeHead(status, [...headers, 'content-length', String(Buffer.byteLength(body))])
  response.end(body)
}

/** So little that reading and forgetting it is cheaper than a new connection. */
const smallRestBytes = 64 * 1024

function restIsSmall(request: IncomingMessage): boolean {
  const declared = request.headers['content-length']
  return declared !== undefined && Number(declared) <= smallRestBytes
}

/**
 * An answer to a request whose body is still coming. It is whole for the sender at once, but the response ends only
 * when the body has ended or `lingerMs` have passed: to close earlier resets the connection and loses the answer.
 */
function sendAndLinger(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: readonly string[],
  body: string,
  lingerMs: number,
): void {
  request.resume()
  response.writeHead(status, [
    ...headers,
    'content-length',
    String(Buffer.byteLength(body)),
    'connection',
    'close',
  ])
  response.write(body)
  const end = (): void => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(end, lingerMs)
  request.once('end', end)
  request.once('close', end)
}

/** The log names where a body was wrong; what stood there is nobody's business. Bounded: a sender chose the paths. */
function paths(issues: readonly Issue[]): string {
  return issues
    .slice(0, 5)
    .map(({ path }) => path.slice(0, 100) || '(body)')
    .join(', ')
}
