import type { FailureCause, Verdict } from '@hookswitch/core'
import type { NodemailerError } from 'nodemailer'
import { connectionFailure, timeoutFailure } from '../egress/connection-failure.ts'
import { EgressFailure } from '../egress/egress.ts'

export interface SmtpJudgement {
  verdict: Verdict
  /** The SMTP code, or null. */
  status: number | null
  cause: FailureCause | null
  message: string
}

/** Authentication is required, too weak, not accepted, or needs encryption (RFC 4954, section 6). */
const authCodes = new Set([530, 534, 535, 538])

/**
 * What an error of the mail client means.
 *
 * | answer | verdict |
 * |---|---|
 * | 4xx | `retry`: so says the server |
 * | 5xx to a login; 530, 534, 535 and 538 to anything | `auth` |
 * | any other 5xx to a sender, a recipient or a message | `reject` |
 * | 5xx before that, no TLS where it is needed, no answer | `retry` |
 *
 * The server's own words may hold addresses; they stand in the trace alone.
 *
 * @param peer host and port.
 */
export function judgeSmtpError(error: unknown, peer: string): SmtpJudgement {
  if (error instanceof EgressFailure) return unanswered(error)
  const {
    code = '',
    originalCode,
    responseCode,
    command,
  }: NodemailerError = error instanceof Error ? error : new Error()
  const status = responseCode ?? null
  const said = `${peer} answered ${status}${command === undefined ? '' : ` to ${command}`}`
  switch (code) {
    case 'EAUTH':
      if (status === null)
        return judgement('auth', null, `${peer} offers no login for this user and password`)
      if (status < 500) return judgement('retry', status, said)
      return judgement('auth', status, `${said}: check user and password`)
    case 'EENVELOPE':
    case 'EMESSAGE':
      if (status === null)
        return judgement('reject', null, 'the addresses cannot be written to: check from and to')
      if (status < 500 || status === badSequence) return judgement('retry', status, said)
      if (authCodes.has(status)) return judgement('auth', status, `${said}: check user and password`)
      return judgement('reject', status, said)
    case 'ETLS':
      return judgement('retry', status, `no secure connection to ${peer}: ${tlsExpected}`, 'tls')
    case 'ETIMEDOUT':
      return unanswered(timeoutFailure(peer))
    default:
      return status === null
        ? unanswered(lostConnection(error, peer, originalCode))
        : judgement('retry', status, said, 'protocol')
  }
}

/** 503 is about the session, not about the message, which may go through on another connection. */
const badSequence = 503

const tlsExpected =
  'STARTTLS and a valid certificate are needed where the address is not one of HOOKSWITCH_EGRESS_ALLOW'

/**
 * The client puts a code of its own over the one that it had from the system or from TLS, where there was any. What is
 * not a code of the system then is one of the many names for what is wrong with a certificate.
 */
function lostConnection(error: unknown, peer: string, originalCode: string | undefined): EgressFailure {
  if (originalCode === undefined) return connectionFailure(error, peer, { secure: false, connected: true })
  const original = Object.assign(new Error(originalCode, { cause: error }), { code: originalCode })
  return connectionFailure(original, peer, { secure: true, connected: false })
}

function unanswered({ failure, message }: EgressFailure): SmtpJudgement {
  return judgement('retry', null, message, failure)
}

function judgement(
  verdict: Verdict,
  status: number | null,
  message: string,
  cause: FailureCause | null = null,
): SmtpJudgement {
  return { verdict, status, cause, message }
}
