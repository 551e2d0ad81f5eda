import { setTimeout as delay } from 'node:timers/promises'
import { startPeer, type PeerAnswer } from '../destination-contract/peer.ts'

/** One request as it came to the receiver. Times are of `performance.now()`. */
export interface Received {
  /** Path and query: which of the destinations it came from. */
  path: string
  /** `webhook-id`, the id of the event. */
  id: string
  /** `hookswitch-delivery` */
  deliveryId: string
  /** `hookswitch-replay`; null where it is no replay. */
  replayId: string | null
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>
  body: Buffer
  beganAt: number
  /** When the answer was out, or the connection gone without one; null while it is under way. */
  endedAt: number | null
  /** What was answered; null while it is under way, and where the connection went first. */
  status: number | null
}

/** How the receiver treats a request: a status, or an answer of its own. */
export type Treatment = number | PeerAnswer

/** A real HTTP server on loopback that records what is delivered to it, and misbehaves on request. */
export interface DeliveryReceiver {
  /** `http://127.0.0.1:<port>` */
  url: string
  /** In the order in which they came. */
  received: readonly Received[]
  /** Of one destination; without a path all. */
  at(path?: string): Received[]
  /** From now on requests are treated so; 200 to all at the beginning. */
  treat(how: (received: Received) => Treatment): void
  close(): Promise<void>
}

export async function startDeliveryReceiver(): Promise<DeliveryReceiver> {
  const received: Received[] = []
  let treatment: (received: Received) => Treatment = () => 200
  const peer = await startPeer((request, response, socket) => {
    const { url: path, headers, body } = request
    const one: Received = {
      path,
      id: headers['webhook-id'] ?? '',
      deliveryId: headers['hookswitch-delivery'] ?? '',
      replayId: headers['hookswitch-replay'] ?? null,
      headers,
      body,
      beganAt: performance.now(),
      endedAt: null,
      status: null,
    }
    received.push(one)
    response.once('finish', () => {
      one.endedAt = performance.now()
      one.status = response.statusCode
    })
    response.once('close', () => {
      one.endedAt ??= performance.now()
    })
    const how = treatment(one)
    if (typeof how === 'number') response.writeHead(how).end()
    else how(request, response, socket)
  })
  return {
    url: peer.url,
    received,
    at: (path) => received.filter((one) => path === undefined || one.path === path),
    treat: (how) => {
      treatment = how
    },
    close: () => peer.close(),
  }
}

/** Answers after a while, as a receiver does that works on what it gets. */
export function after(ms: number, status = 200): PeerAnswer {
  return (_request, response) => {
    void delay(ms).then(() => response.writeHead(status).end())
  }
}

/** Keeps requests waiting until it is opened. */
export interface Gate {
  answer: PeerAnswer
  /** Those that wait, and whatever comes later, are answered with 200. */
  open(): void
}

export function closedGate(): Gate {
  let open: () => void = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return {
    answer: (_request, response) => {
      void opened.then(() => response.writeHead(200).end())
    },
    open: () => open(),
  }
}
