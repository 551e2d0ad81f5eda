/** Bytes that a key has by its prefix; an HMAC key may have any number. */
const keyBytes: Readonly<Record<string, number | null>> = { whsec_: null, whsk_: 64, whpk_: 32 }

/** What is wrong with the secret of a Standard Webhooks signature, in words that do not quote it, or null. */
export function signatureKeyProblem(secret: string): string | null {
  const prefix = Object.keys(keyBytes).find((known) => secret.startsWith(known)) ?? ''
  const expected = keyBytes[prefix] ?? null
  const bytes = base64Bytes(secret.slice(prefix.length))
  if (bytes === 0) return 'is empty, expected a secret such as whsec_…'
  if (bytes === null) return 'is not base64, expected whsec_… (HMAC) or whpk_… (ed25519)'
  if (expected !== null && bytes !== expected)
    return `is a ${prefix}… key of ${bytes} bytes, expected ${expected}`
  return null
}

function base64Bytes(text: string): number | null {
  try {
    return atob(text).length
  } catch {
    return null
  }
}
