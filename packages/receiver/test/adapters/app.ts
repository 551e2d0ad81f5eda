import { createReceiver, memoryDedupe, Rejected, type Handler, type Receiver } from '@hookswitch/receiver'

/** What was seen of the receivers from inside. */
export type Entry =
  | { what: 'call'; endpoint: Endpoint; event: Record<string, unknown>; call: unknown; outcome: unknown }
  | { what: 'log'; endpoint: Endpoint; event: string; reason: string | null; message: string | null }
  | { what: 'error'; endpoint: Endpoint; phase: string; message: string }

/** The paths that every adapter serves in the suite, and what stands there. */
export const endpoints = [
  'webhook',
  'deep/er/webhook',
  'once',
  'small',
  'slow',
  'late',
  'signed',
  'parsed',
  'parsed-signed',
] as const
export type Endpoint = (typeof endpoints)[number]

/** Those behind a middleware that has read the body, where a framework has such. */
export const isParsed = (endpoint: Endpoint): boolean => endpoint.startsWith('parsed')

export const secret = 'a secret of the tests'
export const signingSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

/** The receivers' clock stands still, so that what they make of the same request is always the same. */
export const nowMs = Date.UTC(2026, 2, 1, 9, 30)

/** What `small` takes. */
export const smallBytesMax = 1_000

/** How long `slow` waits for a body, and `late` for a handler: as long as the tests have to wait, too. */
const soonMs = 150

/** The same receivers for every adapter. Handlers throw, refuse or dawdle where the type of the event says so. */
export function createApp(record: (entry: Entry) => void): Record<Endpoint, Receiver> {
  const receiver = (endpoint: Endpoint, options: Partial<Parameters<typeof createReceiver>[0]>): Receiver => {
    const handle: Handler = async ({ event, call, outcome, signal }) => {
      record({ what: 'call', endpoint, event: { ...event }, call, outcome })
      if (event.type === 'test.throws') throw new Error('thrown by the handler')
      if (event.type === 'test.rejected') throw new Rejected('refused by the handler')
      if (event.type === 'test.late') await aborted(signal)
    }
    return createReceiver({
      now: () => nowMs,
      log: ({ event, reason, message }) =>
        record({ what: 'log', endpoint, event, reason: reason ?? null, message: message ?? null }),
      onError: (error, { phase }) =>
        record({ what: 'error', endpoint, phase, message: error instanceof Error ? error.message : '' }),
      ...(options.signature === undefined ? { secrets: secret } : { auth: 'none' }),
      on: { '*': handle },
      ...options,
    })
  }
  const signature = { secrets: [signingSecret] }
  return {
    webhook: receiver('webhook', {}),
    'deep/er/webhook': receiver('deep/er/webhook', {}),
    once: receiver('once', { dedupe: memoryDedupe() }),
    small: receiver('small', { bodyBytesMax: smallBytesMax }),
    slow: receiver('slow', { bodyMs: soonMs }),
    late: receiver('late', { deadlineMs: soonMs }),
    signed: receiver('signed', { signature }),
    parsed: receiver('parsed', {}),
    'parsed-signed': receiver('parsed-signed', { signature }),
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
