import { answerBytesMax } from '@hookswitch/core'
import type { Dispatcher } from 'undici'
import { connectionFailure, timeoutFailure } from './connection-failure.ts'
import type { EgressAnswer, EgressRequest } from './egress.ts'
import { peerOf } from './target.ts'

/**
 * One request and its answer. The answer counts from its status line on: when the body does not come to its end (cut,
 * endless, or slower than the time there is), what came of it is given with the status, for the receiver has said
 * what it made of the event, and a repeat would make it say so again.
 *
 * A connection that the other side has closed while it lay idle is noticed before it is used again. One that is
 * closed just as the request is on its way counts as `reset`: nobody can know from here that the request was not
 * read, and a repeat is for the delivery engine to decide, which has a policy for it.
 *
 * @throws EgressFailure before the status line, or the signal's reason where that is not a `TimeoutError`.
 */
export function exchange(
  dispatcher: Dispatcher,
  url: URL,
  request: Pick<EgressRequest, 'method' | 'headers' | 'body' | 'timeoutMs'>,
  signal: AbortSignal,
): Promise<EgressAnswer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | null = null
    let head: Pick<EgressAnswer, 'status' | 'headers'> | null = null
    const body = keeping(answerBytesMax)
    let isOver = false

    const finish = (whole: boolean, failure: unknown): void => {
      if (isOver) return
      isOver = true
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      if (head === null) reject(failure)
      else resolve({ ...head, body: body.text(), truncated: !whole })
      // The connection is of no more use; before there is one, the request is taken back when there is.
      if (!whole) controller?.abort(givenUp)
    }
    const stop = (): void => {
      const reason: unknown = signal.reason
      finish(false, isTimeout(reason) ? timeoutFailure(peerOf(url), reason) : reason)
    }
    const timer =
      request.timeoutMs === undefined
        ? undefined
        : setTimeout(() => finish(false, timeoutFailure(peerOf(url))), request.timeoutMs)
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) {
      stop()
      return
    }

    dispatcher.dispatch(
      {
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers: request.headers,
        body: request.body,
      },
      {
        onRequestStart(started) {
          controller = started
          if (isOver) started.abort(givenUp)
        },
        onResponseStart(_controller, status, headers) {
          if (status >= 200) head = { status, headers: flat(headers) }
        },
        onResponseData(_controller, chunk) {
          if (!body.add(chunk)) finish(false, null)
        },
        onResponseEnd() {
          finish(true, null)
        },
        onResponseError(_controller, error) {
          const state = { secure: url.protocol === 'https:', connected: controller !== null }
          finish(false, connectionFailure(error, peerOf(url), state))
        },
      },
    )
  })
}

const givenUp = new Error('the rest of the answer is not wanted')

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError'
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  )
}

/** Keeps the first bytes of what comes. */
function keeping(bytesMax: number): { add(chunk: Uint8Array): boolean; text(): string } {
  const chunks: Uint8Array[] = []
  let room = bytesMax
  return {
    /** False once there was more than is kept. */
    add(chunk) {
      if (room > 0) chunks.push(chunk.subarray(0, room))
      room -= chunk.byteLength
      return room >= 0
    },
    text: () => new TextDecoder().decode(Buffer.concat(chunks), { stream: room < 0 }),
  }
}
