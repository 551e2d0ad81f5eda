import { type BlockList, isIP } from 'node:net'
import { createSecureContext, rootCertificates } from 'node:tls'
import { type AttemptResult, judgeStatus, readRetryAfter, withoutAnswer } from '@hookswitch/core'
import { Agent, buildConnector } from 'undici'
import { type Egress, type EgressAnswer, EgressFailure, type EgressRequest } from './egress.ts'
import { exchange } from './exchange.ts'
import { createReach, type Resolve, resolveBySystem, type Transport } from './reach.ts'
import { hostOf, peerOf, readTarget } from './target.ts'
import { type Trace, traceOf } from './trace.ts'

export interface EgressOptions {
  /** Addresses that may be reached besides public ones, also by plain http (`HOOKSWITCH_EGRESS_ALLOW`); null: none. */
  allow: BlockList | null
  /** For `User-Agent: Hookswitch/<version>`. */
  version: string
  /** From a name to its addresses; the operating system's resolver by default. */
  resolve?: Resolve
  /** A certificate (PEM) that is trusted besides the well-known ones. */
  ca?: string
}

/** A receiver that has not even taken the connection by then is away, however long its answers may take. */
const connectMsMax = 10_000

/** Node's own limit, said here so that no flag of the process changes it. */
const answerHeaderBytesMax = 16 * 1024

/** After as long a connection is not used again, so that a name that leads elsewhere by now is followed. */
const connectionAgeMsMax = 5 * 60_000

/** An idle connection is kept this long, or as long as the other side says, up to the maximum. */
const idleMs = 4_000
const idleMsMax = 60_000

/**
 * Makes the one way out of a node.
 *
 * Connections are kept and used again, one request at a time. How many there are at once is bounded by the
 * destinations' `concurrency` and not here: a bound for each host would let a destination that hangs take the
 * connections of another at the same host. HTTP/2 is left out for the same reason.
 */
export function createEgress(options: EgressOptions): Egress {
  const { allow, version, resolve = resolveBySystem, ca } = options
  const reach = createReach(allow, resolve)
  const agent = new Agent({
    connect: guardedConnector(reach, ca),
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMsMax,
    clientTtl: connectionAgeMsMax,
    maxHeaderSize: answerHeaderBytesMax,
    // The signal and `timeoutMs` bound the whole try.
    headersTimeout: 0,
    bodyTimeout: 0,
  })

  const targetOf = ({ url }: EgressRequest): URL => {
    const target = readTarget(url)
    if (target.problem !== null) throw new EgressFailure('settings', `the URL ${target.problem}`)
    return target.url
  }

  const headersOf = ({ headers }: EgressRequest): Record<string, string> => ({
    'user-agent': `Hookswitch/${version}`,
    ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
  })

  return {
    async check(text) {
      const { url, problem } = readTarget(text)
      if (url === null) return problem
      const transport = transportOf(url.protocol)
      if (transport === 'plain http' && allow === null) return 'is http, expected https'
      return reach.refusal(hostOf(url), transport)
    },

    async request(request, signal) {
      return exchange(agent, targetOf(request), { ...request, headers: headersOf(request) }, signal)
    },

    async attempt(request, signal) {
      let trace: Trace | null = null
      try {
        const url = targetOf(request)
        const headers = headersOf(request)
        trace = traceOf(request, url, headers)
        return answered(await exchange(agent, url, { ...request, headers }, signal), url, trace)
      } catch (error) {
        if (error instanceof EgressFailure) return unanswered(error, trace)
        throw error
      }
    },

    lookup: reach.lookup('any'),

    close: () => agent.destroy(),
  }
}

function answered(answer: EgressAnswer, url: URL, trace: Trace): AttemptResult {
  const verdict = judgeStatus(answer.status)
  const redirect = trace.redirect(answer)
  const message =
    redirect === null ? null : `${peerOf(url)} redirects to ${redirect}, and redirects are not followed`
  return {
    verdict,
    status: answer.status,
    cause: null,
    message,
    retryAfterMs:
      verdict === 'retry'
        ? readRetryAfter(answer.headers['retry-after'], answer.headers['date'], Date.now())
        : null,
    request: trace.request,
    response: trace.response(answer),
  }
}

function unanswered({ failure, message }: EgressFailure, trace: Trace | null): AttemptResult {
  return { ...withoutAnswer('retry', failure, message), request: trace?.request ?? null }
}

/**
 * Connects to addresses that may be reached, and to no other. A name is resolved, held against the rules and connected
 * to in one step, so that it cannot lead elsewhere in between; an address in the URL is never looked up, so it is held
 * against them here.
 */
function guardedConnector(
  reach: ReturnType<typeof createReach>,
  ca: string | undefined,
): buildConnector.connector {
  const secureContext =
    ca === undefined ? {} : { secureContext: createSecureContext({ ca: [...rootCertificates, ca] }) }
  const connectorFor = (transport: Transport): buildConnector.connector =>
    buildConnector({
      timeout: connectMsMax,
      allowH2: false,
      lookup: reach.lookup(transport),
      ...secureContext,
    })
  const connectors = { 'plain http': connectorFor('plain http'), any: connectorFor('any') }
  return (target, callback) => {
    const transport = transportOf(target.protocol)
    const refusal = isIP(target.hostname) === 0 ? null : reach.addressRefusal(target.hostname, transport)
    if (refusal === null) return connectors[transport](target, callback)
    queueMicrotask(() => callback(new EgressFailure('blocked', `the URL leads to ${refusal}`), null))
  }
}

function transportOf(protocol: string): Transport {
  return protocol === 'http:' ? 'plain http' : 'any'
}
