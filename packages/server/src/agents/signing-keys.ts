import { generateSigningSecret, publicKeyOf } from '@hookswitch/sender'

/** An entry of `signingSecrets`, as the webhook kind takes it. */
export type SigningSecret = string | { secret: string; until: string }

export type SigningVersion = 'v1' | 'v1a'

/** A key as people see it. */
export interface ShownKey {
  version: SigningVersion
  /** What verifies `v1a`; null for `v1`, whose key is secret on both sides. */
  publicKey: string | null
  /** ISO 8601, for one that was replaced. */
  until: string | null
}

/** Keys that sign at once: the current one, and those that still do while receivers change over. */
const keysMax = 10

export function newSigningSecret(
  version: SigningVersion,
): Promise<{ secret: string; publicKey: string | null }> {
  return generateSigningSecret(version)
}

export function versionOf(secret: string): SigningVersion {
  return secret.startsWith('whsk_') ? 'v1a' : 'v1'
}

/** Those that sign at `now`, the current one first. */
export function validSecrets(given: unknown, now: number): SigningSecret[] {
  const secrets = Array.isArray(given) ? (given as SigningSecret[]) : []
  return secrets.filter((entry) => typeof entry === 'string' || Date.parse(entry.until) > now)
}

/**
 * A new current key. The one before it signs beside it until `until`, or not at all where that is null; those that were
 * replaced earlier sign until they were said to.
 */
export function rotated(
  given: unknown,
  secret: string,
  until: number | null,
  now: number,
): [SigningSecret, ...SigningSecret[]] {
  const kept = validSecrets(given, now).flatMap((entry): SigningSecret[] => {
    // One that is given again signs once, and without an end.
    if (textOf(entry) === secret) return []
    if (typeof entry !== 'string') return [entry]
    return until === null ? [] : [{ secret: entry, until: new Date(until).toISOString() }]
  })
  return [secret, ...kept.slice(0, keysMax - 1)]
}

/** The version of the current key; null where nothing is signed. */
export function currentVersion([current]: readonly SigningSecret[]): SigningVersion | null {
  return current === undefined ? null : versionOf(textOf(current))
}

function textOf(entry: SigningSecret): string {
  return typeof entry === 'string' ? entry : entry.secret
}

export function shownKeys(given: unknown, now: number): ShownKey[] {
  return validSecrets(given, now).map((entry) => {
    const secret = textOf(entry)
    return {
      version: versionOf(secret),
      publicKey: publicKeyOf(secret),
      until: typeof entry === 'string' ? null : entry.until,
    }
  })
}
