import { setTimeout as delay } from 'node:timers/promises'
import type { PeerAnswer } from '../destination-contract/peer.ts'
import { Chance } from '../trial/chance.ts'
import { startDeliveryReceiver, type Received } from './receiver.ts'

/** What may become of one request on its way to the server behind the link. */
export type Fault =
  /** It arrives, and so does the answer. */
  | 'none'
  /** It arrives late. */
  | 'delayed'
  /** It arrives twice; the second may come when later events are there already. */
  | 'twice'
  /** The connection is reset before anything arrives. */
  | 'dropped'
  /** It arrives, and the connection is reset instead of the answer. */
  | 'answerCut'
  /** Nothing arrives, and the link answers so itself. */
  | 'answers500'
  | 'answers503'
  /** The last one with `Retry-After`, which holds everything that comes from there. */
  | 'answers429'

export interface FaultyLinkOptions {
  /** The server behind it, at this moment. */
  to: () => string
  /** How often each fault happens, in proportion. */
  weights: Readonly<Record<Fault, number>>
  /** The same one gives each event the same faults, try by try. */
  seed: number
  /** What names an event from run to run, since its id does not. */
  nameOf: (received: Received) => string
}

/** A real HTTP server between a sender and a receiver, which does to requests what networks and proxies do. */
export interface FaultyLink {
  /** `http://127.0.0.1:<port>` */
  url: string
  /** What came; that the link itself broke a connection is shown as an answer of 599. */
  received(): Received[]
  /** Which faults there were, and how often. */
  faults(): ReadonlyMap<Fault, number>
  /** Resolves when nothing is on its way any more. */
  idle(): Promise<void>
  close(): Promise<void>
}

const delayMsMax = 150

/** Whoever is asked answers sooner, or is gone. */
const answerMs = 10_000

/** Names of headers that are about one connection. */
const ofConnection = new Set(['host', 'connection', 'content-length', 'transfer-encoding'])

export async function startFaultyLink({ to, weights, seed, nameOf }: FaultyLinkOptions): Promise<FaultyLink> {
  const receiver = await startDeliveryReceiver()
  const tries = new Map<string, number>()
  const broken = new Set<Received>()
  const counts = new Map<Fault, number>()
  const underWay = new Set<Promise<unknown>>()

  const forward = async ({ path, headers, body }: Received): Promise<{ status: number; text: string }> => {
    const response = await fetch(to() + path, {
      method: 'POST',
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !ofConnection.has(name))),
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(answerMs),
    })
    return { status: response.status, text: await response.text() }
  }

  const answerOf =
    (received: Received, fault: Fault, chance: Chance): PeerAnswer =>
    (_request, response, socket) => {
      const breakOff = (): void => {
        broken.add(received)
        socket.resetAndDestroy()
      }
      const pass = async (): Promise<void> => {
        if (fault === 'delayed') await delay(chance.between(1, delayMsMax))
        const first = await forward(received)
        if (fault === 'answerCut') breakOff()
        else response.writeHead(first.status, { 'content-type': 'application/json' }).end(first.text)
        if (fault !== 'twice') return
        await delay(chance.between(0, delayMsMax))
        await forward(received)
      }
      switch (fault) {
        case 'dropped':
          return breakOff()
        case 'answers500':
          return void response.writeHead(500).end('Internal Server Error')
        case 'answers503':
          return void response.writeHead(503).end('<html>Service Unavailable</html>')
        case 'answers429':
          return void response.writeHead(429, { 'retry-after': '1' }).end()
        case 'none':
        case 'delayed':
        case 'twice':
        case 'answerCut': {
          // The server behind is away.
          const passed = pass().catch(() => {
            if (!response.writableEnded) breakOff()
          })
          underWay.add(passed)
          void passed.then(() => underWay.delete(passed))
        }
      }
    }

  receiver.treat((received) => {
    const name = nameOf(received)
    const tried = tries.get(name) ?? 0
    tries.set(name, tried + 1)
    const chance = new Chance(`${seed}/${name}/${tried}`)
    const fault = chance.weighted(weights)
    counts.set(fault, (counts.get(fault) ?? 0) + 1)
    return answerOf(received, fault, chance)
  })
  return {
    url: receiver.url,
    received: () => receiver.received.map((one) => (broken.has(one) ? { ...one, status: 599 } : one)),
    faults: () => counts,
    idle: async () => {
      while (underWay.size > 0) await Promise.all(underWay)
    },
    close: () => receiver.close(),
  }
}
