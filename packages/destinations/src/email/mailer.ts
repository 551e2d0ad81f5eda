import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { traceBytesMax, type AttemptResult, type RequestTrace } from '@hookswitch/core'
import { timeoutFailure } from '../egress/connection-failure.ts'
import type { Egress } from '../egress/egress.ts'
import { cutText, utf8Bytes } from '../message/cut-text.ts'
import { judgeSmtpError } from './smtp-result.ts'
import { connectSmtp, inUrl } from './smtp-socket.ts'

export interface MailServer {
  host: string
  port: number
  /** TLS from the first byte. */
  secure: boolean
  login: { user: string; password: string } | null
}

export interface Mail {
  from: string
  to: string[]
  subject: string
  text: string
  html: string | null
  messageId: string
  /** What the messages of one call refer to. */
  threadId: string
  deliveryId: string
}

export interface Mailer {
  send(mail: Mail, signal: AbortSignal): Promise<AttemptResult>
  close(): Promise<void>
}

/** Mail servers commonly allow ten or twenty of one client. */
const connectionsMax = 5
const messagesPerConnection = 100
/** An idle connection is kept this long; servers end theirs after some minutes. */
const idleMsMax = 60_000
/** The time for one try. Servers that look at a message before they answer take some seconds, and some delay on purpose. */
const sendMsMax = 60_000
/** Nothing came for so long. */
const silenceMsMax = 30_000

/** Sends mail over a pool of connections that the egress has allowed, made on first use. */
export function createMailer(server: MailServer, egress: Egress): Mailer {
  const { host, port } = server
  const peer = `${inUrl(host)}:${port}`
  let pool: Promise<Pool> | null = null

  return {
    async send(mail, stop) {
      const request = traceOf(mail, server)
      const signal = AbortSignal.any([stop, AbortSignal.timeout(sendMsMax)])
      try {
        pool ??= openPool(server, egress)
        const { response, rejected } = await (
          await pool
        ).sendMail({
          from: mail.from,
          to: mail.to,
          subject: mail.subject,
          text: mail.text,
          ...(mail.html !== null && { html: mail.html }),
          messageId: mail.messageId,
          references: mail.threadId,
          inReplyTo: mail.threadId,
          // So that no absence note answers.
          headers: { 'X-Hookswitch-Delivery': mail.deliveryId, 'Auto-Submitted': 'auto-generated' },
          signal,
        })
        const missed = rejected.length
        return {
          verdict: 'delivered',
          status: Number.parseInt(response, 10),
          cause: null,
          message: missed === 0 ? null : `${missed} of ${mail.to.length} recipients were refused`,
          retryAfterMs: null,
          request,
          response: answerOf(response),
        }
      } catch (error) {
        if (signal.aborted && !isTimeout(signal.reason)) throw signal.reason
        const judged = judgeSmtpError(signal.aborted ? timeoutFailure(peer) : error, peer)
        const said = error instanceof Error && 'response' in error ? String(error.response) : null
        return { ...judged, retryAfterMs: null, request, response: said === null ? null : answerOf(said) }
      }
    },

    async close() {
      const closing = pool
      pool = null
      if (closing !== null) (await closing).close()
    },
  }
}

/** What a connection is made of; the rest of the options is the pool's. */
interface SocketOptions {
  connection: Socket
  requireTLS: boolean
  tls?: ConnectionOptions
}

type Pool = Awaited<ReturnType<typeof openPool>>

async function openPool({ host, port, secure, login }: MailServer, egress: Egress) {
  const { createTransport } = await import('nodemailer')
  return createTransport({
    pool: true,
    host,
    port,
    secure,
    ...(login !== null && { auth: { user: login.user, pass: login.password }, forceAuth: true }),
    maxConnections: connectionsMax,
    maxMessages: messagesPerConnection,
    idleTimeout: idleMsMax,
    // A connection that the server ended while it lay idle is replaced once; everything else is for the store to repeat.
    maxRequeues: 1,
    greetingTimeout: silenceMsMax,
    socketTimeout: silenceMsMax,
    socketCloseTimeout: 1000,
    // A message is made of what is given here, never of a file or an address that something in it names.
    disableFileAccess: true,
    disableUrlAccess: true,
    getSocket(_options: unknown, callback: (error: Error | null, socket?: SocketOptions) => void) {
      connectSmtp(host, port, egress).then(
        ({ connection, plainAllowed }) =>
          callback(null, {
            connection,
            requireTLS: !secure && !plainAllowed,
            // Where plain SMTP would do, an upgrade with a certificate of one's own making is no worse.
            ...(!secure && plainAllowed && { tls: { rejectUnauthorized: false } }),
          }),
        callback,
      )
    },
  })
}

function traceOf(mail: Mail, { host, port, secure }: MailServer): RequestTrace {
  return {
    method: 'SMTP',
    url: `${secure ? 'smtps' : 'smtp'}://${inUrl(host)}:${port}`,
    headers: {
      from: mail.from,
      to: mail.to.join(', '),
      subject: mail.subject,
      'message-id': mail.messageId,
      references: mail.threadId,
    },
    bodyBytes: utf8Bytes(mail.text) + utf8Bytes(mail.html ?? ''),
    body: cutText(mail.text, traceBytesMax, { size: utf8Bytes }),
  }
}

function answerOf(response: string): NonNullable<AttemptResult['response']> {
  const body = cutText(response, traceBytesMax, { size: utf8Bytes })
  return { headers: {}, body, truncated: body !== response }
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError'
}
