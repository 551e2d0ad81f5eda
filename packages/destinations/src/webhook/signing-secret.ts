import { z } from 'zod'

const secret = 'a secret such as whsec_… (HMAC) or whsk_… (ed25519), base64 after the prefix'
const until = 'a time such as 2026-01-31T12:00:00Z'

const secretText = z.string(secret).refine(isSigningSecret, secret)

/** A secret, or one that signs only until its time is over: the old one beside the new, while receivers change it. */
export const signingSecretSetting = z.union(
  [
    secretText,
    z.strictObject(
      { secret: secretText, until: z.iso.datetime({ offset: true, error: until }) },
      'secret until',
    ),
  ],
  `${secret}, or one with an end: { "secret": "whsec_…", "until": "2026-01-31T12:00:00Z" }`,
)

type SigningSecret = z.output<typeof signingSecretSetting>

export function isEndless(given: SigningSecret): boolean {
  return typeof given === 'string'
}

/** Those that sign at this time, in their order. */
export function secretsInForce(given: readonly SigningSecret[], nowMs: number): string[] {
  return given.flatMap((one) =>
    typeof one === 'string' ? [one] : nowMs < Date.parse(one.until) ? [one.secret] : [],
  )
}

/** Whether `signWebhook` takes it: base64 of an HMAC key, or of an ed25519 key with its public half, 64 bytes. */
function isSigningSecret(text: string): boolean {
  const [, prefix, encoded = ''] = /^(whsec_|whsk_)(.+)$/.exec(text) ?? []
  if (prefix === undefined) return false
  try {
    const bytes = atob(encoded).length
    return prefix === 'whsk_' ? bytes === 64 : bytes > 0
  } catch {
    return false
  }
}
