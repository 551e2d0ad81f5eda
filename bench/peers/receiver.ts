// Where deliveries go: an HTTP server on raw sockets that notes what came when, and answers as its path says. It costs
// a few microseconds a request, the same for every peer that forwards to it.
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { machineMs } from '../load/clock.ts'
import type { Arrivals, ReceiverMessage, ReceiverRequest } from '../receiver.ts'

/** What answers slowly: well within the timeout of a webhook. */
const slowMs = 1_000

const answers = {
  ok: answer('200 OK'),
  fails: answer('500 Internal Server Error'),
  unavailable: answer('503 Service Unavailable'),
}

function answer(status: string): Buffer {
  const body = '{"ok":true}'
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
  return Buffer.from(head + body, 'latin1')
}

/** What came, by path and load, and which events of it were no repeats. */
const noted = new Map<string, { arrivals: Arrivals; distinct: Set<string> }>()
/** The load of which every second call fails at `/pile`, and slowly from its second try on; null: none does. */
let failing: string | null = null
const failedOnce = new Set<string>()
let requests = 0
/** What it took to start, which is no request's cost. */
let startedWith = process.cpuUsage()

function answerTo(socket: Socket, path: string, callId: string): void {
  const say = (bytes: Buffer): void => {
    if (!socket.destroyed) socket.write(bytes)
  }
  switch (path) {
    case '/ok':
      return say(answers.ok)
    case '/fails':
      return say(answers.fails)
    case '/slow':
      setTimeout(say, slowMs, answers.ok)
      return
    case '/hangs':
      return
    case '/pile':
      if (failing === null || !callId.endsWith(failing) || !isSecond(callId)) return say(answers.ok)
      if (failedOnce.has(callId)) setTimeout(say, slowMs, answers.unavailable)
      else say(answers.unavailable)
      failedOnce.add(callId)
      return
    default:
      throw new Error(`The receiver has no ${path}.`)
  }
}

/** Half of the calls, at random but always the same ones: the digits of a callId are scattered. */
function isSecond(callId: string): boolean {
  return (callId.charCodeAt(0) & 1) === 1
}

const headEnd = Buffer.from('\r\n\r\n', 'latin1')

/** Reads one request after the other; HTTP only as far as needed. */
function serve(socket: Socket): void {
  let partial: Buffer | null = null
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    let bytes = partial === null ? chunk : Buffer.concat([partial, chunk])
    for (;;) {
      const bodyAt = bytes.indexOf(headEnd) + headEnd.length
      if (bodyAt < headEnd.length) break
      const head = bytes.toString('latin1', 0, bodyAt)
      const end = bodyAt + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1])
      if (Number.isNaN(end)) throw new Error('The receiver reads only requests with a content-length.')
      if (bytes.length < end) break
      receive(socket, head, bytes.toString('latin1', bodyAt, end))
      bytes = bytes.subarray(end)
    }
    partial = bytes.length === 0 ? null : bytes
  })
}

// As the load writes it, at the beginning of the body; a queue in between keeps the order of the keys.
const event = /^\{"eventType":"([^"]+)","callId":"([^"]+)"/

function receive(socket: Socket, head: string, body: string): void {
  const atMs = machineMs()
  requests++
  const path = head.slice(head.indexOf(' ') + 1, head.indexOf(' ', head.indexOf(' ') + 1))
  const [, type, callId] = event.exec(body) ?? []
  if (type === undefined || callId === undefined)
    throw new Error(`The receiver was sent ${body.slice(0, 100)}`)
  answerTo(socket, path, callId)
  const key = `${path} ${callId.slice(8)}`
  let list = noted.get(key)
  if (list === undefined) noted.set(key, (list = { arrivals: nothing(), distinct: new Set() }))
  const { arrivals, distinct } = list
  distinct.add(`${callId} ${type}`)
  arrivals.callIds.push(callId)
  arrivals.types.push(type)
  arrivals.ids.push(/\r\nwebhook-id: *([^\r]+)/i.exec(head)?.[1] ?? '')
  arrivals.atMs.push(atMs)
}

function nothing(): Arrivals {
  return { callIds: [], types: [], ids: [], atMs: [] }
}

const tell = (message: ReceiverMessage): unknown => process.send?.(message)

process.on('message', (request: ReceiverRequest) => {
  if ('count' in request) tell({ count: noted.get(request.count)?.distinct.size ?? 0 })
  else if ('failing' in request) failing = request.failing
  else {
    const { user, system } = process.cpuUsage(startedWith)
    tell({
      arrivals: noted.get(request.take)?.arrivals ?? nothing(),
      microsPerRequest: (user + system) / Math.max(requests, 1),
    })
  }
})

const server = createServer(serve)
server.listen(0, '127.0.0.1', () => {
  startedWith = process.cpuUsage()
  tell({ port: (server.address() as AddressInfo).port })
})
// The bench ends its peers; should the bench itself be killed, they end by themselves.
process.once('disconnect', () => process.exit(0))
