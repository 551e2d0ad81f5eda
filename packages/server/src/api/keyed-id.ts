import { ApiError } from './errors.ts'

// The ids of what the store numbers: a prefix, so that one of another list is not found in this one, and the key.

export function deliveryId(key: number): string {
  return `dlv_${key}`
}

export function laneId(key: number): string {
  return `lane_${key}`
}

export function replayId(key: number): string {
  return `rpl_${key}`
}

const nouns = { dlv: 'delivery', lane: 'lane', rpl: 'replay' } as const

/** The key in an id; an id that cannot be one is not found. */
export function keyOf(prefix: keyof typeof nouns, id: string): number {
  const [, digits] = new RegExp(`^${prefix}_([1-9]\\d{0,15})$`).exec(id) ?? []
  const key = Number(digits)
  if (digits === undefined || !Number.isSafeInteger(key)) throw notFound(prefix)
  return key
}

export function notFound(prefix: keyof typeof nouns): ApiError {
  return new ApiError('not_found', `No ${nouns[prefix]} has this id`)
}
