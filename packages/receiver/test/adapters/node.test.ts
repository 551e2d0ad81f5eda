import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer as createHttp2Server } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { nodeListener } from '@hookswitch/receiver/node'
import { expect, test } from 'vitest'
import { afterParserCases, bytesAfterParserCase, nothingLeftCase, readByHand } from './after-parser-cases.ts'
import { createApp, endpoints, isParsed, secret, smallBytesMax } from './app.ts'
import type { Mount } from './harness.ts'
import { listen, openInProcess } from './in-process.ts'
import { encodeChunk, headOf } from './request.ts'
import { eventOf } from './sample-events.ts'
import { adapterSuite } from './suite.ts'
import { nodeRequestCases } from './wire-cases.ts'

/** What is said where the bytes are needed and gone. */
const advice = /^something that reads the request ran before the webhook: .*nodeListener\(receiver\).*rawBody/

const addresses: (string | undefined)[] = []

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** What an app may have made of the body before it hands the request over. */
function after(keep: (body: Buffer) => object, listener: Listener): Listener {
  return (request, response) => {
    void readByHand(request).then((body) => listener(Object.assign(request, keep(body)), response))
  }
}

const mount: Mount = (receivers) => {
  const parsed = (body: Buffer): object => ({ body: JSON.parse(body.toString()) as unknown })
  const listeners = new Map<string, Listener>(
    endpoints.map((endpoint) => {
      const listener = nodeListener(receivers[endpoint])
      return [endpoint, isParsed(endpoint) ? after(parsed, listener) : listener]
    }),
  )
  listeners.set(
    'taken',
    after(() => ({}), nodeListener(receivers.webhook)),
  )
  listeners.set(
    'kept',
    after((rawBody) => ({ rawBody }), nodeListener(receivers.signed)),
  )
  return listen(
    createServer((request, response) => {
      response.on('finish', () => addresses.push(request.socket?.remoteAddress))
      const endpoint = /^\/([\w/-]*\w)/.exec(request.url ?? '')?.[1] ?? ''
      listeners.get(endpoint)?.(request, response)
    }),
  )
}

adapterSuite('node:http', {
  open: () => openInProcess(mount),
  besides: [
    ...nodeRequestCases,
    ...afterParserCases(advice),
    nothingLeftCase('/taken', advice),
    bytesAfterParserCase('who has read the body may keep its bytes as rawBody', '/kept'),
    {
      name: 'a request whose body was left keeps its socket - a logger asks it for the address afterwards',
      async run(visitor) {
        const connection = await visitor.connect()
        const path = visitor.harness.pathOf('small')
        connection.write(headOf({ path }, { 'transfer-encoding': 'chunked' }))
        connection.write(encodeChunk(Buffer.alloc(smallBytesMax + 1)))
        expect((await connection.answer('the answer')).status).toBe(413)
        expect(addresses.at(-1)).toBe('127.0.0.1')
      },
    },
  ],
})

test('HTTP/2 is answered in the same way, and a refused body does not stop the others', async () => {
  const calls: string[] = []
  const app = createApp((entry) => entry.what === 'call' && calls.push(entry.endpoint))
  const server = createHttp2Server(nodeListener(app.small)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  try {
    const post = async (authorization: string, body: string): Promise<[status: unknown, body: string]> => {
      const stream = session.request({ ':method': 'POST', ':path': '/', authorization })
      stream.end(body)
      const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
      return [headers[':status'], await text(stream)]
    }
    const answers = await Promise.all([
      post(secret, eventOf('call.ended')),
      post(secret, 'x'.repeat(100 * smallBytesMax)),
      post('wrong', 'x'.repeat(100 * smallBytesMax)),
      post(secret, eventOf('test.throws')),
    ])
    expect(answers.map(([status]) => status)).toEqual([200, 413, 401, 500])
    expect(answers.map(([, body]) => Object.keys(JSON.parse(body) as object)[0])).toEqual([
      'received',
      'error',
      'error',
      'error',
    ])
    expect(calls).toEqual(['small', 'small'])
  } finally {
    session.destroy()
    server.close()
  }
})
