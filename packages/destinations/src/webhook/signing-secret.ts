/** Whether `signWebhook` takes it: base64 of an HMAC key, or of an ed25519 key with its public half, 64 bytes. */
export function isSigningSecret(secret: string): boolean {
  const [, prefix, text = ''] = /^(whsec_|whsk_)(.+)$/.exec(secret) ?? []
  if (prefix === undefined) return false
  try {
    const bytes = atob(text).length
    return prefix === 'whsk_' ? bytes === 64 : bytes > 0
  } catch {
    return false
  }
}
