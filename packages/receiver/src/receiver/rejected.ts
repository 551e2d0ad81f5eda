/**
 * Thrown by a handler for an event that will never succeed: it is answered 200 with `"processing_error": true`, and not
 * tried again.
 */
export class Rejected extends Error {
  override readonly name = 'Rejected'
}

/** By its name: an app may have been bundled with this class more than once, and errors may come from another realm. */
export function isRejected(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error && error.name === 'Rejected'
}
