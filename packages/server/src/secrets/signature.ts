import type { Source } from '@hookswitch/core'
import { verifyWebhook } from '@hookswitch/events'
import type { ResolvedSource } from '../config/resolve-config.ts'

/** What verifies the signed bodies of a source, for the ingest; null where the source asks for no signature. */
export function signatureVerifier(
  { signatureSecrets: secrets }: Pick<ResolvedSource, 'signatureSecrets'>,
  clock: () => number,
): Source['verify'] {
  if (secrets === null) return null
  return async (headers, body) => {
    const verdict = await verifyWebhook({
      id: text(headers['webhook-id']),
      timestamp: text(headers['webhook-timestamp']),
      signature: text(headers['webhook-signature']),
      body,
      secrets,
      nowMs: clock(),
    })
    return verdict.ok ? null : verdict.reason
  }
}

function text(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(' ') : header
}
