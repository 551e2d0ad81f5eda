import type { CallCursor } from '@hookswitch/core'

// A cursor is opaque to whoever holds it: a kind, so that one of another list is refused, and a place.

export function encodeCallCursor({ firstEventAt, key }: CallCursor): string {
  return encode('calls', firstEventAt, key)
}

/** Undefined for what is not a cursor of the list of calls. */
export function decodeCallCursor(cursor: string): CallCursor | undefined {
  const [firstEventAt, key] = decode('calls', cursor) ?? []
  return firstEventAt === undefined || key === undefined ? undefined : { firstEventAt, key }
}

export function encodeEventCursor(seq: number): string {
  return encode('events', seq)
}

/** Undefined for what is not a cursor of a list of events. */
export function decodeEventCursor(cursor: string): number | undefined {
  return decode('events', cursor)?.[0]
}

/** Lists that run by the key of a row. */
export type KeyedList = 'agents' | 'destinations' | 'deliveries' | 'lanes' | 'replays' | 'audit'

function encodeKeyCursor(list: KeyedList, key: number): string {
  return encode(list, key)
}

/** Undefined for what is not a cursor of this list. */
export function decodeKeyCursor(list: KeyedList, cursor: string): number | undefined {
  return decode(list, cursor)?.[0]
}

/**
 * A page of a list that runs by key.
 *
 * @param found what was asked for: one more than `limit`, so that it is known whether there is another page.
 */
export function keyedPage<Item extends { key: number }, Shown>(
  list: KeyedList,
  found: readonly Item[],
  limit: number,
  show: (item: Item) => Shown,
): { items: Shown[]; nextCursor: string | null } {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  const hasMore = found.length > limit && last !== undefined
  return { items: items.map(show), nextCursor: hasMore ? encodeKeyCursor(list, last.key) : null }
}

function encode(kind: string, ...place: number[]): string {
  return Buffer.from([kind, ...place].join(' ')).toString('base64url')
}

function decode(kind: string, cursor: string): number[] | undefined {
  const [found, ...place] = Buffer.from(cursor, 'base64url').toString('latin1').split(' ')
  const numbers = place.map(Number)
  // What decodes to another cursor is not one that was given out.
  return found === kind && numbers.every(Number.isSafeInteger) && encode(kind, ...numbers) === cursor
    ? numbers
    : undefined
}
