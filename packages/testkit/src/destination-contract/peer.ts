import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, BlockList, type Socket } from 'node:net'
import { testCertificate } from './certificate.ts'

/** A request as it came. */
export interface PeerRequest {
  method: string
  /** Path and query. */
  url: string
  /** Names in lower case. */
  headers: Record<string, string>
  body: Buffer
}

/** What a peer does with a request; `socket` is for answers that HTTP does not allow. */
export type PeerAnswer = (request: PeerRequest, response: ServerResponse, socket: Socket) => void

export interface PeerOptions {
  /** Speaks TLS with `testCertificate`. */
  secure?: boolean
  /** Called with each connection before anything is read. */
  onConnection?: (socket: Socket) => void
}

/** A real server on loopback that stands for a destination. */
export interface Peer {
  /** `http://127.0.0.1:<port>` or `https://…`. */
  url: string
  port: number
  /** Whole requests, in the order in which they came. */
  requests: readonly PeerRequest[]
  /** Connections that were made to it so far. */
  connections(): number
  /** Resolves when so many requests (one by default) have come. */
  reached(requests?: number): Promise<void>
  /** Resolves when no connection is open. */
  deserted(): Promise<void>
  close(): Promise<void>
}

export async function startPeer(answer: PeerAnswer, options: PeerOptions = {}): Promise<Peer> {
  const requests: PeerRequest[] = []
  const open = new Set<Socket>()
  let made = 0
  const watchers = new Set<() => void>()
  const changed = (): void => {
    for (const watcher of watchers) watcher()
  }

  const listener = (incoming: IncomingMessage, response: ServerResponse): void => {
    read(incoming).then(
      (request) => {
        requests.push(request)
        answer(request, response, incoming.socket)
        changed()
      },
      // The other side went away in the middle of its request.
      () => incoming.socket.destroy(),
    )
  }
  const server =
    options.secure === true ? createSecureServer(testCertificate, listener) : createServer(listener)
  server.on('connection', (socket: Socket) => {
    made += 1
    open.add(socket)
    // A client that gives up resets its connection, which is what some tests are about.
    socket.on('error', () => {})
    socket.on('close', () => {
      open.delete(socket)
      changed()
    })
    options.onConnection?.(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const until = (what: string, check: () => boolean): Promise<void> =>
    new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        watchers.delete(look)
      }
      const timer = setTimeout(() => {
        done()
        reject(new Error(`waited ${waitMsMax} ms for: ${what}`))
      }, waitMsMax)
      const look = (): void => {
        if (!check()) return
        done()
        resolve()
      }
      watchers.add(look)
      look()
    })

  return {
    url: `${options.secure === true ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    requests,
    connections: () => made,
    reached: (count = 1) => until(`${count} requests at the peer`, () => requests.length >= count),
    deserted: () => until('the end of all connections to the peer', () => open.size === 0),
    async close() {
      for (const socket of open) socket.destroy()
      if (!server.listening) return
      server.close()
      await once(server, 'close')
    },
  }
}

/** What an egress is allowed so that it reaches peers, also by plain http. */
export function loopback(): BlockList {
  const list = new BlockList()
  list.addSubnet('127.0.0.0', 8, 'ipv4')
  return list
}

/** A port of loopback on which nobody listens. */
export async function deafPort(): Promise<number> {
  const peer = await startPeer(() => {})
  await peer.close()
  return peer.port
}

/** For all that a peer waits for: far longer than loopback takes, and shorter than the time of a test. */
const waitMsMax = 10_000

async function read(incoming: IncomingMessage): Promise<PeerRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return {
    method: incoming.method ?? '',
    url: incoming.url ?? '',
    headers: Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(', ') : (value ?? ''),
      ]),
    ),
    body: Buffer.concat(chunks),
  }
}
