import { pino, type Logger } from 'pino'
import type { Arrival } from '@hookswitch/core'

export type { Logger }

export interface LogOptions {
  level: string
  /** Where lines go; standard output unless a test says otherwise. */
  write?: (line: string) => void
}

/** Bytes of lines kept back before they are written: one write for dozens of arrivals instead of one for each. */
const bufferBytes = 8 * 1024

/** A line is never older than this when it is written. */
const flushMs = 200

export interface Log {
  logger: Logger
  arrival(arrival: Arrival): void
  /** Writes what is kept back, at once. */
  flush(): void
  close(): void
}

/** Structured lines without payloads, tokens or phone numbers; one for every arrival. */
export function createLog({ level, write }: LogOptions): Log {
  const destination =
    write === undefined ? pino.destination({ fd: 1, minLength: bufferBytes, sync: true }) : { write }
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  const flush = (): void => {
    if ('flushSync' in destination) {
      try {
        destination.flushSync()
      } catch {
        // Nobody reads our output any more; that is no reason to stop receiving.
      }
    }
  }
  const timer = setInterval(flush, flushMs).unref()
  return {
    logger,
    arrival: (arrival) => logArrival(logger, arrival),
    flush,
    close: () => {
      clearInterval(timer)
      flush()
    },
  }
}

function logArrival(logger: Logger, arrival: Arrival): void {
  const { source, address, bytes } = arrival
  const ms = Math.round(arrival.ms * 100) / 100
  if (arrival.result === 'rejected') {
    const { status, reason, detail } = arrival
    logger.warn(
      { source, address, status, reason, ...(detail === null ? {} : { detail }), bytes, ms },
      'rejected',
    )
    return
  }
  const { type, callId, id, collision } = arrival
  if (collision)
    logger.warn({ source, type, callId, id }, 'same key as an earlier event, other content: both kept')
  logger.info({ source, address, type, callId, id, bytes, ms }, arrival.result)
}
