export interface SigningSecret {
  /** `whsec_…`, shared with the receiver, or `whsk_…`, which stays with the sender. */
  secret: string
  /** `whpk_…`, by which a receiver verifies what a `whsk_…` key has signed; null for a shared secret. */
  publicKey: string | null
}

/** As long as the hash that it keys; Standard Webhooks asks for 24 to 64. */
const sharedSecretBytes = 32

/** Makes a secret to sign with: `v1` is HMAC-SHA256, `v1a` is ed25519. */
export async function generateSigningSecret(version: 'v1' | 'v1a'): Promise<SigningSecret> {
  if (version === 'v1') {
    const bytes = crypto.getRandomValues(new Uint8Array(sharedSecretBytes))
    return { secret: `whsec_${toBase64(bytes)}`, publicKey: null }
  }
  const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])
  if (!('privateKey' in pair)) throw new TypeError('this runtime has no ed25519')
  // The one form in which every runtime gives away both halves as they are.
  const { d = '', x = '' } = await crypto.subtle.exportKey('jwk', pair.privateKey)
  const [seed, publicHalf] = [fromBase64Url(d), fromBase64Url(x)]
  return {
    secret: `whsk_${toBase64(new Uint8Array([...seed, ...publicHalf]))}`,
    publicKey: `whpk_${toBase64(publicHalf)}`,
  }
}

/**
 * What a receiver needs to verify: the `whpk_…` that belongs to a `whsk_…` secret; null for a shared secret, which the
 * receiver has itself.
 *
 * @throws TypeError for what is no signing secret.
 */
export function publicKeyOf(secret: string): string | null {
  const problem = signingSecretProblem(secret)
  if (problem !== null) throw new TypeError(`the signing secret ${problem}`)
  if (!secret.startsWith('whsk_')) return null
  return `whpk_${toBase64(decode(secret).subarray(32))}`
}

/** What is wrong with a secret to sign with, without a word of it; null where nothing is. */
export function signingSecretProblem(secret: unknown): string | null {
  const expected = 'expected whsec_… (HMAC) or whsk_… (ed25519), base64 after the prefix'
  if (typeof secret !== 'string' || !/^wh(?:sec|sk)_./.test(secret)) return `has neither prefix, ${expected}`
  try {
    const { length } = decode(secret)
    if (length === 0) return `is empty, ${expected}`
    return secret.startsWith('whsec_') || length === 64 ? null : `has ${length} bytes, expected 64`
  } catch {
    return `is not base64, ${expected}`
  }
}

function decode(secret: string): Uint8Array {
  return fromBase64(secret.slice(secret.indexOf('_') + 1))
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
}

function fromBase64Url(text: string): Uint8Array {
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))
}
