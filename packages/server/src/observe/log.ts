import { pino, type Logger } from 'pino'
import type { Arrival } from '@hookswitch/core'
import type { Published } from '../publish/publisher.ts'
import type { DeliveryLine } from '../deliver/deliver-messages.ts'

export type { Logger }

export interface LogOptions {
  level: string
  /** Where lines go, several at a time; standard output unless a test says otherwise. */
  write?: (lines: string) => void
}

/** Characters of lines kept back before they are written: one write for a hundred arrivals instead of one for each. */
const bufferCharacters = 32 * 1024

/** A line is never older than this when it is written. */
const flushMs = 200

export interface Log {
  logger: Logger
  arrival(arrival: Arrival): void
  published(published: Published): void
  delivery(line: DeliveryLine): void
  close(): void
}

/** Structured lines without payloads, tokens or phone numbers; one for every arrival, every event that is published and every result of a delivery. */
export function createLog({ level, write = writeToOutput }: LogOptions): Log {
  let lines = ''
  const flush = (): void => {
    if (lines === '') return
    const text = lines
    lines = ''
    write(text)
  }
  // Not a destination of pino's own: that one asks the disk to sync at each flush, and the HTTP thread would wait.
  const destination = {
    write: (line: string): void => {
      lines += line
      if (lines.length >= bufferCharacters) flush()
    },
  }
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination)
  const timer = setInterval(flush, flushMs).unref()
  return {
    logger,
    arrival: (arrival) => logArrival(logger, arrival),
    published: ({ ms, ...fields }) => logger.info({ ...fields, ms: Math.round(ms * 100) / 100 }, 'published'),
    delivery: (line) => logDelivery(logger, line),
    close: () => {
      clearInterval(timer)
      flush()
    },
  }
}

function writeToOutput(text: string): void {
  process.stdout.write(text)
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

/** What is no success is a warning: it is what someone looks for. */
const quiet: ReadonlySet<DeliveryLine['outcome']> = new Set(['delivered', 'filtered', 'returned'])

function logDelivery(logger: Logger, line: DeliveryLine): void {
  const { destination, event, delivery, attempt, outcome, status, cause, ms, written } = line
  const fields = {
    destination,
    ...(event === null ? {} : { type: event.type, callId: event.callId, id: event.id }),
    delivery,
    attempt,
    ...(status === null ? {} : { status }),
    ...(cause === null ? {} : { cause }),
    ms,
  }
  if (!written) logger.warn({ ...fields, outcome }, 'late result refused: the lane had gone to another node')
  else if (quiet.has(outcome)) logger.info(fields, outcome)
  else logger.warn(fields, outcome === 'retry' ? 'will be tried again' : outcome)
}
