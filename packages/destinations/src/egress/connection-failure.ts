import type { FailureCause } from '@hookswitch/core'
import { errors } from 'undici'
import { EgressFailure } from './egress.ts'

/** Of a failure that the connection itself can have; names that do not resolve and blocked addresses say it earlier. */
type ConnectionCause = Exclude<FailureCause, 'dns' | 'blocked' | 'code'>

/** Codes of the operating system, of Node and of undici. What is missing here is told by when it happened. */
const causes: Readonly<Record<string, ConnectionCause>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'refused',
  EHOSTDOWN: 'refused',
  ENETUNREACH: 'refused',
  ENETDOWN: 'refused',
  EADDRNOTAVAIL: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  UND_ERR_SOCKET: 'reset',
  UND_ERR_CLOSED: 'reset',
  UND_ERR_DESTROYED: 'reset',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
  EPROTO: 'tls',
  UND_ERR_HEADERS_OVERFLOW: 'protocol',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'protocol',
  UND_ERR_INVALID_ARG: 'settings',
}

const happened: Readonly<Record<ConnectionCause, string>> = {
  refused: 'takes no connection',
  reset: 'ended the connection without an answer',
  tls: 'could not be reached securely',
  timeout: 'did not answer in time',
  protocol: 'answered with something that is not HTTP, or with too many headers',
  settings: 'cannot be sent this request, the settings do not allow it',
}

/**
 * Says what an error of a connection means. Only its code is shown: messages of the system and of TLS may hold more.
 *
 * @param peer host and port.
 * @param state what had happened by then: only a connection that was not there yet fails for its certificate.
 */
export function connectionFailure(
  error: unknown,
  peer: string,
  state: { secure: boolean; connected: boolean },
): EgressFailure {
  if (error instanceof EgressFailure) return error
  // It holds a piece of the answer, which is nobody's to log.
  if (error instanceof errors.HTTPParserError) return failed('protocol', peer)
  const code = error instanceof Error && 'code' in error ? String(error.code) : null
  // What is wrong with a certificate has dozens of names of OpenSSL's; a refused one of ours comes only afterwards.
  const isTls = (state.secure && !state.connected) || /^ERR_(?:SSL|TLS)_/.test(code ?? '')
  return failed(causes[code ?? ''] ?? (isTls ? 'tls' : 'reset'), peer, code, error)
}

/** No answer within the time of the try. */
export function timeoutFailure(peer: string, cause?: unknown): EgressFailure {
  return failed('timeout', peer, null, cause)
}

function failed(
  failure: ConnectionCause,
  peer: string,
  code: string | null = null,
  cause?: unknown,
): EgressFailure {
  const message = `${peer} ${happened[failure]}${code === null ? '' : ` (${code})`}`
  return new EgressFailure(failure, message, { cause })
}
