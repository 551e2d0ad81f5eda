import { randomBytes } from 'node:crypto'

/** A new id of a destination: `dst_` and 16 characters of base64url. */
export function destinationId(): string {
  return `dst_${randomBytes(12).toString('base64url')}`
}
