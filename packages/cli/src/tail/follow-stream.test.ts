import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { createApiClient } from '../api/api-client.ts'
import { followStream, type Followed } from './follow-stream.ts'

const servers: ReturnType<typeof createServer>[] = []

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** A server whose connections go one after another as they are told. */
async function serverOf(...connections: ((response: ServerResponse) => Promise<void> | void)[]) {
  const requests: { url: string | undefined; lastEventId: string | string[] | undefined }[] = []
  const server = createServer((request: IncomingMessage, response) => {
    requests.push({ url: request.url, lastEventId: request.headers['last-event-id'] })
    void connections[requests.length - 1]?.(response)
  })
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { api: createApiClient(`http://127.0.0.1:${port}`, 'token'), requests }
}

/** Writes each piece so that it arrives by itself. */
async function write(response: ServerResponse, ...pieces: (string | Buffer)[]): Promise<void> {
  for (const piece of pieces) {
    await new Promise<void>((resolve) => {
      response.write(piece, () => resolve())
    })
    // The other end reads before the next piece is there.
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const event = (seq: number, text = ''): string => {
  return `id: ${seq}\nevent: call.ended\ndata: ${JSON.stringify({ seq, text })}\n\n`
}

/** Follows until as much was seen. */
async function follow(api: ReturnType<typeof createApiClient>, count: number): Promise<Followed[]> {
  const seen: Followed[] = []
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), 10_000)
  for await (const followed of followStream(api, { after: 5, callId: 'call 1', signal: stop.signal })) {
    seen.push(followed)
    if (seen.length === count) stop.abort()
  }
  clearTimeout(timer)
  return seen
}

describe('following the stream', () => {
  test('goes on after the last event, however the bytes were cut - a piece may end within a letter', async () => {
    const arabic = Buffer.from(event(7, 'مرحبا'))
    const { api, requests } = await serverOf(
      async (response) => {
        await write(
          response,
          ': hooksw',
          'itch\nretry: 1000\nid: 5\n',
          '\n',
          arabic.subarray(0, 47),
          arabic.subarray(47),
        )
        response.destroy()
      },
      async (response) => {
        await write(response, ': hookswitch\nid: 7\n\n', `${event(8)}id: 9\nevent: call.en`)
        response.end()
      },
      async (response) => {
        await write(response, `: hookswitch\nid: 8\n\n${event(9)}`)
      },
    )
    const seen = await follow(api, 8)
    expect(seen.map((followed) => (followed.kind === 'event' ? followed.event.seq : followed.kind))).toEqual([
      'open',
      7,
      'cut',
      'open',
      8,
      'cut',
      'open',
      9,
    ])
    expect(seen[1]).toMatchObject({ text: '{"seq":7,"text":"مرحبا"}' })
    expect(requests).toEqual([
      { url: '/api/v1/stream?after=5&callId=call+1', lastEventId: undefined },
      { url: '/api/v1/stream?after=5&callId=call+1', lastEventId: '7' },
      { url: '/api/v1/stream?after=5&callId=call+1', lastEventId: '8' },
    ])
  })

  test('goes on from the beginning that it was told, when it is cut before the first event', async () => {
    const { api, requests } = await serverOf(
      async (response) => {
        await write(response, ': hookswitch\nid: 1042\n\n')
        response.destroy()
      },
      (response) => write(response, ': hookswitch\nid: 1042\n\n'),
    )
    await follow(api, 3)
    expect(requests.map(({ lastEventId }) => lastEventId)).toEqual([undefined, '1042'])
  })

  test('reports a gap with what is missing, and goes on behind it', async () => {
    const gap = 'id: 99\nevent: gap\ndata: {"after":5,"oldest":100}\n\n'
    const { api } = await serverOf((response) =>
      write(response, `: hookswitch\nid: 99\n\n${gap}${event(100)}`),
    )
    expect(await follow(api, 3)).toMatchObject([
      { kind: 'open', again: false },
      { kind: 'gap', after: 5, oldest: 100 },
      { kind: 'event', event: { seq: 100 } },
    ])
  })

  test('waits for a server that is starting, and ends for one that has another token', async () => {
    const { api } = await serverOf(
      async (response) => {
        await write(response, ': hookswitch\nid: 5\n\n')
        response.destroy()
      },
      (response) => void response.writeHead(503).end('{"error":"The store is not available"}'),
      (response) => void response.writeHead(401).end('{"error":"Unauthorized"}'),
    )
    await expect(follow(api, 9)).rejects.toMatchObject({ ending: 'refused' })
  })

  test('does not ask again and again for what it cannot read', async () => {
    const { api, requests } = await serverOf((response) => {
      return write(response, ': hookswitch\nid: 5\n\nid: 6\nevent: call.ended\ndata: {"seq":\n\n')
    })
    await expect(follow(api, 9)).rejects.toThrow(SyntaxError)
    expect(requests).toHaveLength(1)
  })
})
