// Receivers that know nothing of webhooks: what is on the wire, to the byte.
import { join } from 'node:path'
import { python, pythonHas, startReceiverProgram } from '@hookswitch/testkit'
import { startPeer } from '@hookswitch/testkit/destination-contract'
import { expect, test } from 'vitest'
import {
  buildEvent,
  buildLegacyEvent,
  createSender,
  type BuiltEvent,
  type SenderOptions,
} from '../src/index.ts'
import { sampleCall } from './sample-call.ts'

interface Received {
  path: string
  headers: Record<string, string>
  body: Buffer
}

interface Receiver {
  url: string
  received(count: number): Promise<Received[]>
  end(): Promise<void>
}

async function startNodeHttp(): Promise<Receiver> {
  const peer = await startPeer((_request, response) => response.writeHead(200).end())
  return {
    url: peer.url,
    async received(count) {
      await peer.reached(count)
      return peer.requests.map(({ url, headers, body }) => ({ path: url, headers, body }))
    },
    end: () => peer.close(),
  }
}

async function startPythonHttp(): Promise<Receiver> {
  const program = await startReceiverProgram(
    python,
    join(import.meta.dirname, 'fixtures', 'plain-receiver.py'),
  )
  return {
    url: program.url,
    async received(count) {
      const requests = await program.reported('request', count)
      return (requests as { path: string; headers: [string, string][]; body: string }[]).map((request) => ({
        path: request.path,
        headers: Object.fromEntries(request.headers),
        body: Buffer.from(request.body, 'base64'),
      }))
    },
    end: () => program.end(),
  }
}

const receivers = [
  { name: "Node's http", start: startNodeHttp, isAbsent: false },
  { name: "Python's http.server", start: startPythonHttp, isAbsent: !pythonHas('http.server') },
]

/** authKey, authSecret, and the header: byte for byte, also what somebody has written twice. */
const authorizations: [authKey: string | null, authSecret: string, header: string][] = [
  ['Bearer', 'X', 'Bearer X'],
  ['bearer', 'Bearer X', 'bearer Bearer X'],
  ['Token', 'X', 'Token X'],
  [null, 'X', 'X'],
  ['', 'Bearer X', 'Bearer X'],
  ['Bearer', 'a  b\t!"#$%&\'()*+,-./:;<=>?@[]^_`{|}~', 'Bearer a  b\t!"#$%&\'()*+,-./:;<=>?@[]^_`{|}~'],
]

const odd = sampleCall('call_odd')[0]
/** Texts that go wrong on the way where somebody decodes and encodes them again. */
const bodies: Pick<BuiltEvent, 'event' | 'body'>[] = [
  ...sampleCall().map((event) => buildEvent(event)),
  ...sampleCall('call_legacy').map((event) => buildLegacyEvent(event)),
  ...(odd === undefined
    ? []
    : [buildEvent({ ...odd, data: { text: '\u2028 é é 😀 \ud800 \0 </script>', n: 1e21 } })]),
  ...(odd === undefined ? [] : [buildEvent({ ...odd, data: { text: 'transcript '.repeat(300_000) } })]),
]

for (const { name, start, isAbsent } of receivers) {
  const why = isAbsent ? ` (${python} is not there)` : ''
  const withReceiver = async (use: (receiver: Receiver) => Promise<void>): Promise<void> => {
    const receiver = await start()
    try {
      await use(receiver)
    } finally {
      await receiver.end()
    }
  }
  const senderTo = (receiver: Receiver, options: Partial<SenderOptions>) =>
    createSender({ url: `${receiver.url}/hook?a=1`, allowHttp: true, ...options })

  test.skipIf(isAbsent)(
    `${name} gets the bytes that were built, of every type and both forms${why}`,
    async () => {
      await withReceiver(async (receiver) => {
        const sender = senderTo(receiver, { authSecret: 'X', concurrency: 1 })
        for (const built of bodies) expect(await sender.send(built)).toMatchObject({ ok: true, attempts: 1 })
        const received = await receiver.received(bodies.length)
        for (const [at, { body }] of bodies.entries()) {
          expect(received[at]?.body.equals(body), `body ${at}, ${body.length} bytes`).toBe(true)
          expect(received[at]).toMatchObject({
            path: '/hook?a=1',
            headers: {
              'content-type': 'application/json',
              'content-length': String(body.length),
              'user-agent': 'hookswitch-sender',
              'webhook-id': expect.stringMatching(/^evt_[0-9a-f]{32}$/),
              'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
            },
          })
          expect(received[at]?.headers).not.toHaveProperty('webhook-signature')
        }
        expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(bodies.length)
      })
    },
  )

  test.skipIf(isAbsent)(`${name} gets Authorization as authKey and authSecret have it${why}`, async () => {
    await withReceiver(async (receiver) => {
      const [event] = sampleCall()
      if (event === undefined) throw new Error('the call has no event')
      for (const [authKey, authSecret] of authorizations) {
        const sender = senderTo(receiver, {
          ...(authKey === null ? {} : { authKey }),
          authSecret,
          userAgent: 'Acme/1',
        })
        expect(await sender.send(event, { id: 'evt_chosen' })).toMatchObject({ ok: true, id: 'evt_chosen' })
      }
      const received = await receiver.received(authorizations.length)
      expect(received.map(({ headers }) => headers['authorization'])).toEqual(
        authorizations.map(([, , header]) => header),
      )
      expect(received.every(({ headers }) => headers['user-agent'] === 'Acme/1')).toBe(true)
      expect(received.every(({ headers }) => headers['webhook-id'] === 'evt_chosen')).toBe(true)
    })
  })
}
