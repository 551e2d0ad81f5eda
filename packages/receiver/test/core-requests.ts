import { createReceiver, type ErrorContext, type LogEntry, type ReceiverOptions } from '@hookswitch/receiver'

export const secret = 'sk_live_abc123xyz789'

/** A webhook of one call; each text makes another event of it. */
export function ended(callId = 'call_1', text = 'Hello!'): Record<string, unknown> {
  return {
    eventType: 'call.ended',
    callId,
    timestamp: '2024-01-15T14:35:00.000Z',
    data: {
      data: {
        conversationId: 'conv-1',
        transcription: [{ Agent: text }, { User: 'Hi.' }],
        outcomeResult: { application_id: '12345', noticePeriod: null },
      },
    },
  }
}

/** @param body an object is written as JSON. */
export function request(
  body: unknown = ended(),
  { method = 'POST', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Request {
  const isBody = typeof body === 'string' || body instanceof Uint8Array || body instanceof ReadableStream
  return new Request('https://app.example/webhook', {
    method,
    headers: { authorization: `Bearer ${secret}`, ...headers },
    ...(method === 'GET' || method === 'HEAD'
      ? {}
      : {
          body: isBody ? (body as string | Uint8Array<ArrayBuffer> | ReadableStream) : JSON.stringify(body),
          duplex: 'half',
        }),
  })
}

export interface Told {
  log: LogEntry[]
  errors: { error: unknown; phase: ErrorContext['phase']; id: string | null }[]
}

/** A receiver with all that it told. */
export function listening<Outcome = Record<string, unknown>>(
  options: Partial<ReceiverOptions<Outcome>> & Pick<ReceiverOptions<Outcome>, 'on'>,
) {
  const told: Told = { log: [], errors: [] }
  const receiver = createReceiver<Outcome>({
    secrets: secret,
    log: (entry) => told.log.push(entry),
    onError: (error, { phase, event }) => told.errors.push({ error, phase, id: event?.id ?? null }),
    ...options,
  })
  return { ...receiver, told }
}

export interface Answered {
  status: number
  headers: Record<string, string>
  body: string
}

export async function answered(response: Promise<Response>): Promise<Answered> {
  const { status, headers, text } = await response.then(async (got) => ({
    status: got.status,
    headers: Object.fromEntries(got.headers),
    text: await got.text(),
  }))
  return { status, headers, body: text }
}

/** A promise and what settles it: what a handler waits for, or says. */
export function gate<T = void>(): {
  passed: Promise<T>
  open: (value: T) => void
  fail: (error: unknown) => void
} {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  return { passed: promise, open: resolve, fail: reject }
}

/** Resolves when `holds` does, looked at after each turn of the event loop, which is how far a test waits. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns += 1) {
    if (turns === 20_000) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}
