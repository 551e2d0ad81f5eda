import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text as textOf } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { onTestFinished } from 'vitest'
import { testCertificate } from '@hookswitch/testkit/destination-contract'

/** A message as a mail server took it. */
export interface ReceivedMail {
  from: string
  to: string[]
  /** Whether the connection was encrypted, and who was logged in. */
  encrypted: boolean
  user: string | undefined
  raw: string
  /** Names in lower case, unfolded and decoded. */
  headers: Record<string, string>
  /** The bodies by content type, decoded. */
  parts: Record<string, string>
}

/** A refusal with an SMTP code, as mail servers word them. */
export function refusal(responseCode: number, words: string): Error {
  return Object.assign(new Error(words), { responseCode })
}

/** A real mail server on loopback, which ends with the test. */
export async function startMailServer(options: SMTPServerOptions = {}) {
  const mails: ReceivedMail[] = []
  const logins: string[] = []
  let connections = 0
  const server = new SMTPServer({
    ...testCertificate,
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 100,
    onAuth({ username = '', password }, _session, callback) {
      logins.push(username)
      if (password === 'right') callback(null, { user: username })
      else callback(refusal(535, '5.7.8 Username and password not accepted'))
    },
    onData(stream, session, callback) {
      textOf(stream).then((raw) => {
        const { envelope, secure, user } = session
        mails.push({
          from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
          to: envelope.rcptTo.map(({ address }) => address),
          encrypted: secure,
          user: user === undefined ? undefined : String(user),
          raw,
          ...readMail(raw),
        })
        callback(null, '2.0.0 OK: queued as 42')
      }, callback)
    },
    ...options,
  })
  server.server.on('connection', () => (connections += 1))
  // A client that gives up ends its connection, which is what some tests are about.
  server.on('error', () => {})
  const listening = server.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)))
  return {
    port: (listening.address() as AddressInfo).port,
    mails,
    /** User names that were tried. */
    logins,
    connections: () => connections,
    server,
  }
}

function readMail(raw: string): Pick<ReceivedMail, 'headers' | 'parts'> {
  const { headers, body } = readPart(raw)
  const boundary = /boundary="([^"]+)"/.exec(headers['content-type'] ?? '')?.[1]
  const inner = boundary === undefined ? [raw] : body.split(`--${boundary}`).slice(1, -1)
  const parts = inner.map((part) => readPart(part.replace(/^\r\n/, '')))
  return {
    headers,
    parts: Object.fromEntries(
      parts.map((part) => [
        (part.headers['content-type'] ?? '').split(';')[0] ?? '',
        decoded(part.body, part.headers['content-transfer-encoding']),
      ]),
    ),
  }
}

function readPart(raw: string): { headers: Record<string, string>; body: string } {
  const end = raw.indexOf('\r\n\r\n')
  const lines = raw
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), wordsOf(line.slice(colon + 1).trim())]
  })
  return { headers: Object.fromEntries(headers) as Record<string, string>, body: raw.slice(end + 4) }
}

function decoded(body: string, encoding = '7bit'): string {
  const bytes = encoding === 'base64' ? Buffer.from(body, 'base64').toString() : body
  const text = encoding === 'quoted-printable' ? unquoted(body.replaceAll(/=\r\n/g, '')) : bytes
  return text.replaceAll('\r\n', '\n')
}

/** RFC 2047: `=?UTF-8?B?…?=` and `=?UTF-8?Q?…?=`, next to each other one text. */
function wordsOf(text: string): string {
  return text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([bq])\?([^?]*)\?=/gi, (_, encoding: string, written: string) =>
      encoding.toLowerCase() === 'b'
        ? Buffer.from(written, 'base64').toString()
        : unquoted(written.replaceAll('_', ' ')),
    )
}

function unquoted(text: string): string {
  const bytes = text.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString()
}
