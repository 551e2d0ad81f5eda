import { SpanKind, SpanStatusCode, trace, type TracerProvider } from '@opentelemetry/api'
import type { Tracer } from './receiver/tracer.ts'

export interface OpenTelemetryOptions {
  /** The global one by default. */
  tracerProvider?: TracerProvider
}

/**
 * One span for each event, named `hookswitch.event`, with its type, its id and what became of it; an error where it
 * failed. What handlers do is within it. Nothing of what a call says is in it, nor what errors say.
 */
export function openTelemetry({ tracerProvider }: OpenTelemetryOptions = {}): Tracer {
  return {
    span({ id, type }, run) {
      // Asked for at each event: a global provider may be set after the receiver was made.
      const tracer = (tracerProvider ?? trace).getTracer('@hookswitch/receiver')
      const attributes = { 'hookswitch.event.id': id, 'hookswitch.event.type': type }
      return tracer.startActiveSpan(
        'hookswitch.event',
        { kind: SpanKind.CONSUMER, attributes },
        async (span) => {
          try {
            return await run({
              result(result, reason) {
                span.setAttribute('hookswitch.event.result', result)
                if (result !== 'failed') return
                span.setStatus({ code: SpanStatusCode.ERROR })
                if (reason !== undefined) span.setAttribute('error.type', reason)
              },
            })
          } finally {
            span.end()
          }
        },
      )
    },
  }
}
