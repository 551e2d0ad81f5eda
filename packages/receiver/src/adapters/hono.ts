import type { Incoming } from '../receiver/incoming.ts'
import type { Receiver } from '../receiver/receiver.ts'
import { responseOf } from '../receiver/web-request.ts'

/** What is used of Hono's context. */
export interface HonoContext {
  readonly req: {
    readonly raw: Request
    /** What `c.req.json()` and its like have read. */
    readonly bodyCache: HonoBodyCache
  }
}

/** Hono 3 keeps what was asked for; Hono 4 the text where JSON was. */
export interface HonoBodyCache {
  readonly arrayBuffer?: ArrayBuffer | Promise<ArrayBuffer>
  readonly blob?: Blob | Promise<Blob>
  readonly text?: string | Promise<string>
  readonly json?: unknown
}

/**
 * For Hono 3 and 4, on every runtime.
 *
 * ```ts
 * app.post('/webhook', honoReceiver(receiver))
 * ```
 */
export function honoReceiver(receiver: Receiver): (context: HonoContext) => Promise<Response> {
  return async ({ req: { raw, bodyCache } }) => {
    if (!raw.bodyUsed) return receiver.fetch(raw)
    const answer = await receiver.receive({
      method: raw.method,
      header: (name) => raw.headers.get(name),
      body: await bodyReadBefore(bodyCache),
    })
    return responseOf(answer)
  }
}

/** What a middleware has read, which Hono keeps for those after it. */
async function bodyReadBefore({ arrayBuffer, blob, text, json }: HonoBodyCache): Promise<Incoming['body']> {
  try {
    const kept = await (arrayBuffer ?? blob ?? text)
    if (kept !== undefined) return new Uint8Array(await new Response(kept).arrayBuffer())
    return { parsed: await json, ...reader }
  } catch {
    // It was not what the middleware took it for.
    return { parsed: null, ...reader }
  }
}

const reader = {
  by: 'a middleware that reads the body',
  move: "put app.post('/webhook', honoReceiver(receiver)) above it",
}
