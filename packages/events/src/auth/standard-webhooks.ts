// Standard Webhooks (github.com/standard-webhooks/standard-webhooks): `v1` is HMAC-SHA256, `v1a` is ed25519, over
// `id.timestamp.body`. The body is its bytes as they came: decoding and encoding them again may change them.

/** The three headers of a signed webhook. */
export interface WebhookSignatureHeaders {
  'webhook-id': string
  /** Unix seconds. */
  'webhook-timestamp': string
  /** `v1,<base64>` or `v1a,<base64>`, several separated by spaces while a secret is being replaced. */
  'webhook-signature': string
}

export type WebhookRefusal =
  | 'no_secret'
  | 'missing_id'
  | 'missing_timestamp'
  | 'missing_signature'
  | 'invalid_timestamp'
  | 'too_old'
  | 'too_new'
  | 'no_matching_signature'

export type WebhookVerdict =
  { ok: true; id: string; timestampSeconds: number } | { ok: false; reason: WebhookRefusal }

/** Both into the past and into the future, as the specification's libraries have it. */
const toleranceSecondsDefault = 300

/** A header with more signatures than that is an attempt to make us compute. */
const signaturesMax = 16

/**
 * Signs a body with each of the secrets, the current one first.
 *
 * @param secrets `whsec_…` (HMAC) or `whsk_…` (ed25519); without a prefix base64 of an HMAC key.
 * @throws TypeError for no secret, an empty one, one that is not base64, or one that cannot sign.
 */
export async function signWebhook(options: {
  id: string
  /** Unix milliseconds; the header has whole seconds. */
  nowMs: number
  body: Uint8Array
  secrets: readonly string[]
}): Promise<WebhookSignatureHeaders> {
  if (options.secrets.length === 0) throw new TypeError('a webhook is signed with at least one secret')
  const timestamp = String(Math.floor(options.nowMs / 1000))
  const content = signedContent(options.id, timestamp, options.body)
  const signatures: string[] = []
  for (const secret of options.secrets) {
    const key = readKey(secret)
    if (key.sign === null)
      throw new TypeError(`a ${publicPrefix}… key verifies only, sign with its ${privatePrefix}… key`)
    const cryptoKey = await key.sign()
    signatures.push(`${key.version},${toBase64(await crypto.subtle.sign(key.algorithm, cryptoKey, content))}`)
  }
  return {
    'webhook-id': options.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}

/**
 * Verifies a signed body: one of the signatures must be by one of the secrets. Signatures of versions that no secret
 * is for are passed over.
 *
 * @param secrets as for `signWebhook`, and `whpk_…` for the public half of an ed25519 key.
 * @throws TypeError for an empty secret or one that is not base64: a mistake of the configuration, not of the sender.
 */
export async function verifyWebhook(options: {
  id: string | null | undefined
  timestamp: string | null | undefined
  signature: string | null | undefined
  body: Uint8Array
  secrets: readonly string[]
  /** Unix milliseconds. */
  nowMs: number
  /** 300 by default. */
  toleranceSeconds?: number
}): Promise<WebhookVerdict> {
  const { id, timestamp, signature } = options
  if (options.secrets.length === 0) return { ok: false, reason: 'no_secret' }
  const keys = options.secrets.map(readKey)
  if (id === null || id === undefined || id === '') return { ok: false, reason: 'missing_id' }
  if (timestamp === null || timestamp === undefined || timestamp === '')
    return { ok: false, reason: 'missing_timestamp' }
  if (signature === null || signature === undefined || signature.trim() === '') {
    return { ok: false, reason: 'missing_signature' }
  }
  if (!/^\d{1,15}$/.test(timestamp)) return { ok: false, reason: 'invalid_timestamp' }
  const timestampSeconds = Number(timestamp)
  const toleranceSeconds = options.toleranceSeconds ?? toleranceSecondsDefault
  const ageSeconds = Math.floor(options.nowMs / 1000) - timestampSeconds
  if (ageSeconds > toleranceSeconds) return { ok: false, reason: 'too_old' }
  if (ageSeconds < -toleranceSeconds) return { ok: false, reason: 'too_new' }
  // The timestamp is signed in the spelling of its header.
  const content = signedContent(id, timestamp, options.body)
  const candidates = signature.trim().split(/\s+/, signaturesMax)
  for (const key of keys) {
    const signatures = candidates.filter((candidate) => candidate.startsWith(`${key.version},`))
    if (signatures.length === 0) continue
    const cryptoKey = await key.verify()
    for (const candidate of signatures) {
      const bytes = fromBase64(candidate.slice(key.version.length + 1))
      if (bytes !== null && (await crypto.subtle.verify(key.algorithm, cryptoKey, bytes, content))) {
        return { ok: true, id, timestampSeconds }
      }
    }
  }
  return { ok: false, reason: 'no_matching_signature' }
}

type Bytes = Uint8Array<ArrayBuffer>
/** Runtimes call it by different global names. */
type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>

interface SigningKey {
  version: 'v1' | 'v1a'
  algorithm: 'HMAC' | 'Ed25519'
  /** Null for a public key. */
  sign: (() => Promise<Key>) | null
  verify: () => Promise<Key>
}

const hmacPrefix = 'whsec_'
const privatePrefix = 'whsk_'
const publicPrefix = 'whpk_'

const hmac = { name: 'HMAC', hash: 'SHA-256' }

/** An ed25519 seed as PKCS #8 begins with these bytes (RFC 8410); Web Crypto takes no bare private key. */
const pkcs8Head = [
  0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
]

function readKey(secret: string): SigningKey {
  const prefix = [hmacPrefix, privatePrefix, publicPrefix].find((known) => secret.startsWith(known)) ?? ''
  const bytes = fromBase64(secret.slice(prefix.length))
  if (bytes === null || bytes.length === 0) throw new TypeError('a webhook secret is empty or not base64')
  if (prefix === publicPrefix) {
    if (bytes.length !== 32)
      throw new TypeError(`a ${publicPrefix}… key has ${bytes.length} bytes, expected 32`)
    return { version: 'v1a', algorithm: 'Ed25519', sign: null, verify: () => publicKey(bytes) }
  }
  if (prefix === privatePrefix) {
    if (bytes.length !== 64)
      throw new TypeError(`a ${privatePrefix}… key has ${bytes.length} bytes, expected 64`)
    const pkcs8 = new Uint8Array([...pkcs8Head, ...bytes.subarray(0, 32)])
    return {
      version: 'v1a',
      algorithm: 'Ed25519',
      sign: () => crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']),
      verify: () => publicKey(bytes.subarray(32)),
    }
  }
  return {
    version: 'v1',
    algorithm: 'HMAC',
    sign: () => crypto.subtle.importKey('raw', bytes, hmac, false, ['sign']),
    verify: () => crypto.subtle.importKey('raw', bytes, hmac, false, ['verify']),
  }
}

function publicKey(bytes: Bytes): Promise<Key> {
  return crypto.subtle.importKey('raw', bytes, 'Ed25519', false, ['verify'])
}

const encoder = new TextEncoder()

function signedContent(id: string, timestamp: string, body: Uint8Array): Bytes {
  const head = encoder.encode(`${id}.${timestamp}.`)
  const content = new Uint8Array(head.length + body.length)
  content.set(head)
  content.set(body, head.length)
  return content
}

function toBase64(bytes: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)))
}

function fromBase64(text: string): Bytes | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
  } catch {
    return null
  }
}
