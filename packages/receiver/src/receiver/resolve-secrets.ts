import { normalizeSecret } from '@hookswitch/events'
import { kindOf, whole } from './option-rule.ts'
import type { ReceiverOptions } from './options.ts'
import type { ResolvedReceiver } from './resolve-options.ts'

export const secretsExpected = 'the secret of the webhook, or a list of them'

/** What the header may show; none where none is asked for. */
export function resolveSecrets(options: Pick<ReceiverOptions, 'secrets' | 'auth' | 'signature'>): string[] {
  if (!('secrets' in options)) {
    if (options.auth === undefined && options.signature === undefined) {
      throw new TypeError(`secrets are missing, expected ${secretsExpected}, or auth: 'none'`)
    }
    return []
  }
  if (options.auth === 'none') {
    throw new TypeError("secrets are given beside auth: 'none', expected one of the two")
  }
  const { secrets } = options
  if (!Array.isArray(secrets)) return [resolveSecret('secrets', secrets)]
  return secrets.map((secret: unknown, at) => resolveSecret(`secrets[${at}]`, secret))
}

/** What a template text makes of a variable that is not set, and what is left of a header without its secret. */
const notSecrets = /^(?:undefined|null|bearer|token)?$/i

function resolveSecret(name: string, configured: unknown): string {
  const secret = resolveText(name, configured)
  const normalized = normalizeSecret(secret)
  if (notSecrets.test(normalized)) throw notSet(name, `has no secret in it`)
  // What a header cannot carry is never shown, and every request would be refused.
  if (!/^[\t\x20-\x7e]+$/.test(normalized)) {
    throw new TypeError(`${name} has a character that no header carries, expected visible ASCII`)
  }
  return normalized
}

function resolveText(name: string, configured: unknown): string {
  if (configured === undefined || configured === null || configured === '') {
    throw notSet(name, `is ${configured === '' ? 'empty' : String(configured)}`)
  }
  if (typeof configured !== 'string') throw new TypeError(`${name} is ${kindOf(configured)}, expected a text`)
  return configured
}

function notSet(name: string, problem: string): TypeError {
  return new TypeError(`${name} ${problem}: is a variable of the environment not set?`)
}

export function resolveSignature(signature: ReceiverOptions['signature']): ResolvedReceiver['signature'] {
  if (signature === undefined) return null
  const { secrets, toleranceSeconds = 300, ...others } = signature
  for (const name of Object.keys(others)) throw new TypeError(`signature has no option ${name}`)
  if (!Array.isArray(secrets) || secrets.length === 0) {
    throw new TypeError(
      `signature.secrets is ${kindOf(secrets)}, expected a list of whsec_… or whpk_… secrets`,
    )
  }
  const tolerance = whole(86_400)
  if (!tolerance.holds(toleranceSeconds)) {
    throw new TypeError(
      `signature.toleranceSeconds is ${tolerance.shown(toleranceSeconds)}, expected ${tolerance.expected}`,
    )
  }
  return {
    secrets: secrets.map((secret: unknown, at) => resolveSigningSecret(`signature.secrets[${at}]`, secret)),
    toleranceSeconds,
  }
}

/** Length of the keys by their prefix, in bytes; null for any. */
const keyBytes: Readonly<Record<string, number | null>> = { whsec_: null, whpk_: 32, whsk_: 64 }

function resolveSigningSecret(name: string, configured: unknown): string {
  const secret = resolveText(name, configured).trim()
  const expected = 'expected whsec_… (HMAC) or whpk_… (ed25519), base64 after the prefix'
  const prefix = /^wh(?:sec|pk|sk)_/.exec(secret)?.[0] ?? ''
  const bytes = base64Bytes(secret.slice(prefix.length))
  if (bytes === null) throw new TypeError(`${name} is not base64, ${expected}`)
  if (bytes === 0) throw notSet(name, 'has nothing in it')
  const length = keyBytes[prefix] ?? bytes
  if (bytes !== length) throw new TypeError(`${name} has ${bytes} bytes, expected ${length}`)
  return secret
}

function base64Bytes(text: string): number | null {
  try {
    return atob(text).length
  } catch {
    return null
  }
}
