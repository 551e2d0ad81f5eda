import type { IncomingHttpHeaders } from 'node:http'
import type { Refusal } from './arrival.ts'

/** Where events come in, as the receiver sees it. */
export interface Source {
  name: string
  /** In bytes; at most the contract's 10 MiB. */
  bodyBytesMax: number
  /** True when the sender's address may use this source. */
  allows(address: string): boolean
  /** Null when the header shows a valid secret, or when the source asks for none. */
  refusesSecret(authorization: string | undefined): Extract<Refusal, `secret_${string}`> | null
  /** Where the source also wants signed bodies: a reason when the signature does not hold. */
  verify: ((headers: IncomingHttpHeaders, body: Uint8Array) => Promise<string | null>) | null
}
