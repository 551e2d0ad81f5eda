import { constantTimeEqual, secretCandidates, verifyWebhook } from '@hookswitch/events'
import type { Incoming } from './incoming.ts'
import type { ResolvedReceiver } from './resolve-options.ts'
import { sha256 } from './sha256.ts'

/** Why a request is refused, for the log; the answer says nothing of it. Null where it is not. */
export type Refusal = `secret_${string}` | `signature_${string}` | null

/** By the header alone, before the body is read. */
export type SecretCheck = (authorization: string | null | undefined) => Promise<Refusal>

/** Each sender has one, and several have them while a secret is replaced. */
const rightHeadersMax = 16

/** @param secrets as they are resolved; none means that none is asked for. */
export function secretCheck(secrets: readonly string[]): SecretCheck {
  if (secrets.length === 0) return () => Promise.resolve(null)
  // Hashes have one length, so that comparing them tells nothing of that of the secrets. Made at the first request: some
  // runtimes do no cryptography while a module is loaded.
  let expected: Promise<Uint8Array[]> | null = null
  // A sender shows the same header every time, and to hash it takes as long as half of the rest of a request. A set finds
  // by the hash of the whole, which the runtime seeds: how far a wrong header was right shows in no time it takes.
  const right = new Set<string>()
  return async (authorization) => {
    if (right.has(authorization ?? '')) return null
    const candidates = secretCandidates(authorization ?? undefined)
    if (candidates.length === 0) return 'secret_missing'
    expected ??= Promise.all(secrets.map(sha256))
    const known = await expected
    // The likeliest comes first, and which of its own forms a sender meant is no secret.
    for (const candidate of candidates) {
      const shown = await sha256(candidate)
      let found = false
      for (const hash of known) found = constantTimeEqual(hash, shown) || found
      if (!found) continue
      // Spaces and the case of a scheme make as many headers as somebody who knows the secret likes.
      if (right.size < rightHeadersMax) right.add(authorization ?? '')
      return null
    }
    return 'secret_mismatch'
  }
}

/** By the bytes as they came. */
export async function refuseSignature(
  { signature, now }: Pick<ResolvedReceiver, 'signature' | 'now'>,
  incoming: Incoming,
  body: Uint8Array,
): Promise<Refusal> {
  if (signature === null) return null
  const verdict = await verifyWebhook({
    id: incoming.header('webhook-id'),
    timestamp: incoming.header('webhook-timestamp'),
    signature: incoming.header('webhook-signature'),
    body,
    nowMs: now(),
    ...signature,
  })
  return verdict.ok ? null : `signature_${verdict.reason}`
}
