import { CommandFailure } from '../failure.ts'

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it cut the connection',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up just now',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'it did not answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'it did not answer in time',
  UND_ERR_SOCKET: 'it cut the connection',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak https',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak https',
}

/** Why a request got no answer, in a few words. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'it did not answer in time'
  const cause = error instanceof Error ? (error.cause ?? error) : error
  const code = (cause as NodeJS.ErrnoException | null)?.code
  if (code === undefined) return cause instanceof Error ? cause.message : String(cause)
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code)) return `its certificate is not trusted (${code})`
  return reasons[code] ?? code
}

/** A URL as it may stand in a message: its query or its credentials may be secret. */
export function addressOf(url: string): string {
  const { origin, pathname } = new URL(url)
  return pathname === '/' ? origin : origin + pathname
}

/** @param advice what to try, as a sentence. */
export function unreachable(url: string, error: unknown, advice: string): CommandFailure {
  return new CommandFailure(
    'unreachable',
    `${addressOf(url)} cannot be reached: ${reasonOf(error)}. ${advice}`,
    {
      cause: error,
    },
  )
}
