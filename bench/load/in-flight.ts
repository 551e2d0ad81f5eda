import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * One less than 1 MiB would do, were it not for the limit on all bodies together: 32 of these stay below 32 MiB, so
 * that the server takes them all.
 */
export const bodyBytes = 1_040_000
export const bodies = 32
/** Long enough for the server to have read everything, and well below the 10 s in which a body must be there. */
const holdMs = 3_000
const answerMs = 15_000

/** A `call.ended` with a long transcript: parsing it takes more memory than reading it. */
function largeBody(callId: string): Buffer {
  const turn = { Agent: 'What salary do you expect, and how long is your notice period?' }
  const shell = {
    eventType: 'call.ended',
    callId,
    timestamp: new Date().toISOString(),
    data: { data: { note: '' } },
  }
  const turns = Math.floor((bodyBytes - 500) / (JSON.stringify(turn).length + 1))
  const inner = { transcription: Array.from({ length: turns }, () => turn), note: '' }
  const missing = bodyBytes - JSON.stringify({ ...shell, data: { data: inner } }).length
  return Buffer.from(
    JSON.stringify({ ...shell, data: { data: { ...inner, note: 'x'.repeat(missing) } } }),
    'latin1',
  )
}

/**
 * Sends 32 bodies of nearly 1 MiB at once, all but the last byte, holds them there, then sends the last bytes.
 * Resolves with the answers' statuses; `onHeld` is called while everything is in flight.
 */
export async function holdBodies(
  port: number,
  secret: string,
  round: number,
  onHeld: () => void,
): Promise<number[]> {
  const requests = Array.from({ length: bodies }, (_, n) => {
    const body = largeBody(`in-flight-${process.pid}-${round}-${n}`)
    const head =
      `POST /webhook HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
      `Authorization: ${secret}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`
    return Buffer.concat([Buffer.from(head, 'latin1'), body])
  })
  const held = requests.map((request) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(request.subarray(0, -1))
    return { socket, last: request.subarray(-1), status: statusOf(socket) }
  })
  try {
    await delay(holdMs)
    onHeld()
    for (const { socket, last } of held) socket.write(last)
    return await Promise.all(held.map(({ status }) => status))
  } finally {
    for (const { socket } of held) socket.destroy()
  }
}

/** The status of the one answer on the socket; 0 when there was none. */
function statusOf(socket: Socket): Promise<number> {
  return new Promise((resolve) => {
    socket.setTimeout(answerMs, () => resolve(0))
    socket.once('data', (chunk) => resolve(Number(chunk.toString('latin1', 9, 12))))
    socket.once('error', () => resolve(0))
    socket.once('close', () => resolve(0))
  })
}
