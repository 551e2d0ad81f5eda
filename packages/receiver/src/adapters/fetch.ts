import type { Receiver } from '../receiver/receiver.ts'

/**
 * For Bun, Deno, Workers, and whatever else asks a module for its `fetch`. It answers at whatever path it is asked.
 *
 * ```ts
 * export default fetchReceiver(receiver)
 * ```
 */
export function fetchReceiver(receiver: Receiver): { fetch(request: Request): Promise<Response> } {
  return { fetch: (request) => receiver.fetch(request) }
}
