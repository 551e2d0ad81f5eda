import { normalizeSecret } from '@hookswitch/events'

/** A secret longer than that is a file that was pasted; an Authorization header has to hold it. */
const charactersMax = 500

/**
 * Reads a secret that a sender must show: trimmed, without a leading `Bearer `. The problem never quotes it. A secret
 * that is only the word is refused, because a header without any secret would then match.
 */
export function readSecret(text: string): { ok: true; secret: string } | { ok: false; problem: string } {
  const secret = normalizeSecret(text)
  if (secret === '' || /^(?:bearer|token)$/i.test(secret)) return { ok: false, problem: 'is empty' }
  if (!/^[\x20-\x7e]+$/.test(secret)) {
    return {
      ok: false,
      problem: 'has a character that an Authorization header cannot carry, expected printable ASCII',
    }
  }
  if (secret.length > charactersMax) {
    return { ok: false, problem: `has ${secret.length} characters, expected at most ${charactersMax}` }
  }
  return { ok: true, secret }
}
