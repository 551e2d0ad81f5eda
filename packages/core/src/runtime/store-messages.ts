import type { MessagePort } from 'node:worker_threads'
import type { NewEvent, StoreChange } from '../store/store.ts'
import type { StoreErrorCode } from '../store/store-error.ts'

/** What the threads say to each other about the store. All of it survives a structured clone. */
export type StoreRequest =
  | { call: number; method: 'append'; batch: PackedEvents }
  | { call: number; method: Exclude<RemoteMethod, 'append'>; args: unknown[] }
  /** Serves another thread over this port too. */
  | { serve: MessagePort }
  | 'close'

export type StoreReply =
  | { call: number; value: unknown }
  | { call: number; error: StoreFault }
  | { ready: true }
  | { notOpened: StoreFault }
  | { changed: StoreChange }
  | { folded: { events: number; marked: number; ms: number } }
  | { foldFailed: StoreFault }
  | { upkeepFailed: StoreFault }
  | { closed: true }

export interface StoreFault {
  code: StoreErrorCode
  detail: string | null
  outcome: 'none' | 'unknown'
}

/** The methods of the port that another thread may call: those that only read, which any connection can serve … */
export const readingMethods = [
  'getCall',
  'listCalls',
  'listEvents',
  'getEvent',
  'logBounds',
  'listSecrets',
  'stats',
  'listDestinations',
  'destinationVersions',
  'destinationNames',
  'eventsAt',
  'listDeliveries',
  'getDelivery',
  'deliveriesOfEvent',
  'listLanes',
  'matchReplay',
  'getReplay',
  'listReplays',
  'listAudit',
  'deliveryStats',
  'recentAttempts',
  'listAgents',
  'getAgent',
  'getStartedCall',
] as const

/** … and those that only the writer serves. Whether the store can take events is what the writer says. */
export const writingMethods = [
  'append',
  'addSecret',
  'expireSecret',
  'removeSecret',
  'touchSecrets',
  'ping',
  'addDestination',
  'changeDestination',
  'removeDestination',
  'holdDestination',
  'beat',
  'endEpoch',
  'work',
  'retryDelivery',
  'skipDelivery',
  'resumeLane',
  'skipLaneHead',
  'addReplay',
  'cancelReplay',
  'addAudit',
  'erase',
  'addAgent',
  'changeAgent',
  'removeAgent',
  'addStartedCall',
  'publish',
] as const

export type ReadingMethod = (typeof readingMethods)[number]
export type WritingMethod = (typeof writingMethods)[number]
export type RemoteMethod = ReadingMethod | WritingMethod

/**
 * A batch as columns and one block of bytes. A clone of an array of objects writes every property name for every
 * event, and a clone of a view copies the whole buffer below it, which for a body that came from a socket is 64 KiB.
 */
export interface PackedEvents {
  ids: string[]
  sources: string[]
  callIds: string[]
  types: string[]
  dialects: string[]
  occurredAts: (number | null)[]
  receivedAts: number[]
  /** The contents (16 bytes each), then the bodies that are not large, one after the other. */
  bytes: Uint8Array<ArrayBuffer>
  /** How many bytes of `bytes` are the body of each event; for a large one, -1. */
  bodyBytes: number[]
  /** The large bodies in order. They change hands and are not copied. */
  large: Uint8Array<ArrayBuffer>[]
}

const contentBytes = 16

/** From here on a body has memory of its own, and copying it costs more than handing it over. */
const largeBytes = 64 * 1024

/** Packs a batch for another thread. The memory of large bodies goes along: they are empty here afterwards. */
export function packEvents(batch: readonly NewEvent[]): PackedEvents {
  const packed: PackedEvents = {
    ids: [],
    sources: [],
    callIds: [],
    types: [],
    dialects: [],
    occurredAts: [],
    receivedAts: [],
    bytes: new Uint8Array(packedBytes(batch)),
    bodyBytes: [],
    large: [],
  }
  const { bytes } = packed
  let bodyAt = batch.length * contentBytes
  batch.forEach((event, index) => {
    packed.ids.push(event.id)
    packed.sources.push(event.source)
    packed.callIds.push(event.callId)
    packed.types.push(event.type)
    packed.dialects.push(event.dialect)
    packed.occurredAts.push(event.occurredAt)
    packed.receivedAts.push(event.receivedAt)
    bytes.set(event.content, index * contentBytes)
    if (isLarge(event.body)) {
      packed.bodyBytes.push(-1)
      packed.large.push(event.body)
    } else {
      bytes.set(event.body, bodyAt)
      bodyAt += event.body.byteLength
      packed.bodyBytes.push(event.body.byteLength)
    }
  })
  return packed
}

/** What goes along with a message that holds the batch. */
export function packedMemory({ bytes, large }: PackedEvents): ArrayBuffer[] {
  return [bytes.buffer, ...large.map(({ buffer }) => buffer)]
}

export function unpackEvents(packed: PackedEvents): NewEvent[] {
  const { bytes } = packed
  const large = packed.large.values()
  let bodyAt = packed.ids.length * contentBytes
  return packed.ids.map((id, index) => {
    const size = packed.bodyBytes[index]!
    const body = size === -1 ? large.next().value! : bytes.subarray(bodyAt, bodyAt + size)
    if (size !== -1) bodyAt += size
    return {
      id,
      source: packed.sources[index]!,
      callId: packed.callIds[index]!,
      type: packed.types[index]!,
      dialect: packed.dialects[index] as NewEvent['dialect'],
      occurredAt: packed.occurredAts[index]!,
      receivedAt: packed.receivedAts[index]!,
      content: bytes.subarray(index * contentBytes, (index + 1) * contentBytes),
      body,
    }
  })
}

/**
 * Gives the memory of large bodies back at once, when nobody reads them any more. The collector counts 64 MiB of
 * such memory per thread before it looks, which is twice what may be in flight.
 */
export function releaseEvents({ large }: PackedEvents): void {
  for (const { buffer } of large) buffer.transfer(0)
}

function packedBytes(batch: readonly NewEvent[]): number {
  let size = batch.length * contentBytes
  for (const { body } of batch) if (!isLarge(body)) size += body.byteLength
  return size
}

/** Large, and alone in its memory: a part of a buffer that others share cannot change hands. */
function isLarge(body: Uint8Array): body is Uint8Array<ArrayBuffer> {
  return (
    body.byteLength >= largeBytes &&
    body.buffer instanceof ArrayBuffer &&
    body.buffer.byteLength === body.byteLength
  )
}
