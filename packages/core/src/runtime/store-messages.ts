import type { NewEvent } from '../store/store.ts'
import type { StoreErrorCode } from '../store/store-error.ts'

/** What the threads say to each other about the store. All of it survives a structured clone. */
export type StoreRequest =
  | { call: number; method: 'append'; batch: PackedEvents }
  | { call: number; method: Exclude<RemoteMethod, 'append'>; args: unknown[] }

export type StoreReply =
  | { call: number; value: unknown }
  | { call: number; error: StoreFault }
  | { ready: true }
  | { notOpened: StoreFault }
  | { appended: true }
  | { folded: { events: number; marked: number; ms: number } }
  | { foldFailed: StoreFault }
  | { closed: true }

export interface StoreFault {
  code: StoreErrorCode
  detail: string | null
  outcome: 'none' | 'unknown'
}

/** The methods of the port that make sense from another thread. */
export const remoteMethods = [
  'append',
  'getCall',
  'listCalls',
  'listEvents',
  'getEvent',
  'logBounds',
  'listSecrets',
  'addSecret',
  'expireSecret',
  'removeSecret',
  'touchSecrets',
  'stats',
  'ping',
] as const

export type RemoteMethod = (typeof remoteMethods)[number]

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
  /** Where the body of each event ends in `bytes`; the contents (16 bytes each) stand before the bodies. */
  bodyEnds: number[]
  bytes: Uint8Array<ArrayBuffer>
}

const contentBytes = 16

export function packEvents(batch: readonly NewEvent[]): PackedEvents {
  let size = batch.length * contentBytes
  for (const event of batch) size += event.body.byteLength
  const bytes = new Uint8Array(size)
  const packed: PackedEvents = {
    ids: [],
    sources: [],
    callIds: [],
    types: [],
    dialects: [],
    occurredAts: [],
    receivedAts: [],
    bodyEnds: [],
    bytes,
  }
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
    bytes.set(event.body, bodyAt)
    bodyAt += event.body.byteLength
    packed.bodyEnds.push(bodyAt)
  })
  return packed
}

export function unpackEvents(packed: PackedEvents): NewEvent[] {
  const { bytes } = packed
  let bodyAt = packed.ids.length * contentBytes
  return packed.ids.map((id, index) => {
    const bodyEnd = packed.bodyEnds[index]!
    const event: NewEvent = {
      id,
      source: packed.sources[index]!,
      callId: packed.callIds[index]!,
      type: packed.types[index]!,
      dialect: packed.dialects[index] as NewEvent['dialect'],
      occurredAt: packed.occurredAts[index]!,
      receivedAt: packed.receivedAts[index]!,
      content: bytes.subarray(index * contentBytes, (index + 1) * contentBytes),
      body: bytes.subarray(bodyAt, bodyEnd),
    }
    bodyAt = bodyEnd
    return event
  })
}
