import { AsyncLocalStorage } from 'node:async_hooks'
import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanOptions,
  type SpanStatus,
  type Tracer as ApiTracer,
  type TracerProvider,
} from '@opentelemetry/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createReceiver } from './receiver/create-receiver.ts'
import type { ReceiverOptions } from './receiver/options.ts'
import { openTelemetry } from './opentelemetry.ts'

interface Recorded {
  tracer: string
  name: string
  kind: SpanKind | undefined
  attributes: Attributes
  status: SpanStatus | null
  ended: number
}

/** A provider that keeps what it is told, written against the API alone. */
function recorder(): { provider: TracerProvider; spans: Recorded[] } {
  const spans: Recorded[] = []
  const start = (tracer: string, name: string, { kind, attributes }: SpanOptions = {}): Span => {
    const recorded: Recorded = { tracer, name, kind, attributes: { ...attributes }, status: null, ended: 0 }
    spans.push(recorded)
    const span: Span = {
      spanContext: () => ({
        traceId: '0'.repeat(31) + '1',
        spanId: `${spans.length}`.padStart(16, '0'),
        traceFlags: 1,
      }),
      setAttribute: (key, value) => ((recorded.attributes[key] = value), span),
      setAttributes: (more) => (Object.assign(recorded.attributes, more), span),
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      setStatus: (status) => ((recorded.status = status), span),
      updateName: () => span,
      end: () => void (recorded.ended += 1),
      isRecording: () => recorded.ended === 0,
      recordException: () => {
        throw new Error('an exception quotes what it likes')
      },
    }
    return span
  }
  return {
    spans,
    provider: {
      getTracer: (tracer): ApiTracer => ({
        startSpan: (name, options) => start(tracer, name, options),
        startActiveSpan: (name: string, ...rest: unknown[]) => {
          const run = rest.at(-1) as (span: Span) => never
          const span = start(tracer, name, rest.length > 1 ? (rest[0] as SpanOptions) : {})
          return context.with(trace.setSpan(context.active(), span), run, undefined, span)
        },
      }),
    },
  }
}

beforeAll(() => {
  const storage = new AsyncLocalStorage<Context>()
  context.setGlobalContextManager({
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, run, self, ...args) => storage.run(active, () => run.call(self as never, ...args)),
    bind: (_context, target) => target,
    enable() {
      return this
    },
    disable() {
      return this
    },
  })
})

afterAll(() => {
  context.disable()
  trace.disable()
})

async function traced(options: Partial<ReceiverOptions>, provider?: TracerProvider): Promise<number> {
  const receiver = createReceiver({
    auth: 'none',
    on: { '*': () => {} },
    tracer: openTelemetry(provider === undefined ? {} : { tracerProvider: provider }),
    ...options,
  })
  const body = JSON.stringify({ eventType: 'call.ended', callId: 'call_1' })
  const headers = { 'webhook-id': 'evt_1' }
  return (await receiver.fetch(new Request('https://app.example/', { method: 'POST', body, headers }))).status
}

const attributes = { 'hookswitch.event.id': 'evt_1', 'hookswitch.event.type': 'call.ended' }

test('one span for an event, with its type, its id and what became of it', async () => {
  const { provider, spans } = recorder()
  expect(await traced({}, provider)).toBe(200)
  expect(spans).toEqual([
    {
      tracer: '@hookswitch/receiver',
      name: 'hookswitch.event',
      kind: SpanKind.CONSUMER,
      attributes: { ...attributes, 'hookswitch.event.result': 'accepted' },
      status: null,
      ended: 1,
    },
  ])
})

test('a failure is an error, without what it says', async () => {
  const { provider, spans } = recorder()
  const fail = (): never => {
    throw new Error('+15551234567 is no customer')
  }
  expect(await traced({ on: { '*': fail } }, provider)).toBe(500)
  expect(spans).toMatchObject([
    {
      attributes: { ...attributes, 'hookswitch.event.result': 'failed', 'error.type': 'failed' },
      status: { code: SpanStatusCode.ERROR },
      ended: 1,
    },
  ])
  expect(JSON.stringify(spans)).not.toContain('+15551234567')
})

test('what a handler does is within the span', async () => {
  const { provider, spans } = recorder()
  let active: Span | undefined
  const handler = async (): Promise<void> => {
    await Promise.resolve()
    active = trace.getActiveSpan()
  }
  await traced({ on: { '*': handler } }, provider)
  expect(active?.spanContext().spanId).toBe('0000000000000001')
  expect(spans).toHaveLength(1)
})

test('a worker has its span too', async () => {
  const { provider, spans } = recorder()
  const receiver = createReceiver({
    auth: 'none',
    on: { '*': () => Promise.reject(new Error('no')) },
    tracer: openTelemetry({ tracerProvider: provider }),
  })
  const queued = {
    version: 1,
    id: 'evt_1',
    key: 'k',
    receivedAt: '2024-01-15T14:35:00.000Z',
    isTest: false,
  } as const
  const body = JSON.stringify({ eventType: 'call.ended', callId: 'call_1' })
  await expect(receiver.process({ ...queued, body })).rejects.toThrow('no')
  expect(spans).toMatchObject([{ attributes, status: { code: SpanStatusCode.ERROR }, ended: 1 }])
})

test('without a provider it is the global one, also where that is set later', async () => {
  const { provider, spans } = recorder()
  const tracer = openTelemetry()
  expect(await traced({ tracer })).toBe(200)
  trace.setGlobalTracerProvider(provider)
  expect(await traced({ tracer })).toBe(200)
  expect(spans).toHaveLength(1)
})

test('a tracer that fails changes no answer, and no event is handled twice', async () => {
  let handled = 0
  const on = { '*': () => void (handled += 1) }
  const broken = (): never => {
    throw new Error('no exporter')
  }
  expect(await traced({ on, tracer: { span: broken } })).toBe(200)
  expect(await traced({ on, tracer: { span: (_event, run) => run({ result: broken }) } })).toBe(200)
  const after = {
    span: async (_event: unknown, run: (span: { result: () => void }) => Promise<unknown>) => {
      await run({ result: () => {} })
      return broken()
    },
  } as NonNullable<ReceiverOptions['tracer']>
  expect(await traced({ on, tracer: after })).toBe(200)
  expect(handled).toBe(3)
})
