import type { LogEntry } from './options.ts'

/** Opens a span around each event. `openTelemetry()` of `@hookswitch/receiver/opentelemetry` gives one. */
export interface Tracer {
  /** Runs `run` within a span that ends when `run` has; what `run` resolves with is handed on. */
  span<T>(event: { id: string; type: string }, run: (span: EventSpan) => Promise<T>): Promise<T>
}

export interface EventSpan {
  /** What became of the event, in the words of the log. After `failed` the span is one of an error. */
  result(result: LogEntry['event'], reason?: string): void
}
