import type { ReceivedEvent } from '../event/received-event.ts'
import type { ErrorContext, LogEntry } from './options.ts'
import type { ResolvedReceiver } from './resolve-options.ts'
import type { EventSpan } from './tracer.ts'

/** What the app wants to be told. That its own functions fail changes no answer. */
export interface Reports {
  log(entry: LogEntry): void
  error(error: unknown, phase: ErrorContext['phase'], event: ReceivedEvent | null): void
  /** Runs within a span where there is a tracer. @param run never rejects. */
  span<T>(event: ReceivedEvent, run: (span: EventSpan) => Promise<T>): Promise<T>
}

export function createReports({
  log,
  onError,
  tracer,
}: Pick<ResolvedReceiver, 'log' | 'onError' | 'tracer'>): Reports {
  return {
    log: (entry) => quietly(() => log?.(entry)),
    error: (error, phase, event) => quietly(() => onError(error, { phase, event })),
    async span({ id, type }, run) {
      if (tracer === null) return await run(noSpan)
      let running: ReturnType<typeof run> | null = null
      try {
        return await tracer.span({ id, type }, (span) => {
          running = run({ result: (...result) => quietly(() => span.result(...result)) })
          return running
        })
      } catch {
        return await (running ?? run(noSpan))
      }
    },
  }
}

const noSpan: EventSpan = { result: () => {} }

/** Also where it is async, whatever its type says. There is nobody else to tell. */
function quietly(tell: () => unknown): void {
  try {
    Promise.resolve(tell()).catch(() => {})
  } catch {
    // As above.
  }
}
