import { expect, test } from 'vitest'
import { generateSigningSecret, publicKeyOf, signingSecretProblem } from './signing-secret.ts'

const bytesOf = (text: string): number => atob(text.slice(text.indexOf('_') + 1)).length

test('a shared secret has 32 bytes, and another one each time', async () => {
  const secrets = await Promise.all(Array.from({ length: 20 }, () => generateSigningSecret('v1')))
  expect(new Set(secrets.map(({ secret }) => secret)).size).toBe(20)
  for (const { secret, publicKey } of secrets) {
    expect(secret).toMatch(/^whsec_/)
    expect(bytesOf(secret)).toBe(32)
    expect(publicKey).toBeNull()
    expect(publicKeyOf(secret)).toBeNull()
  }
})

test('an ed25519 secret is its seed and its public key, which is given apart as well', async () => {
  const { secret, publicKey } = await generateSigningSecret('v1a')
  expect(secret).toMatch(/^whsk_/)
  expect(bytesOf(secret)).toBe(64)
  expect(publicKey).toMatch(/^whpk_/)
  expect(bytesOf(publicKey ?? '')).toBe(32)
  expect(publicKeyOf(secret)).toBe(publicKey)
})

test.each<[secret: unknown, problem: string]>([
  ['', 'has neither prefix'],
  ['MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'has neither prefix'],
  ['whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=', 'has neither prefix'],
  ['whsec_', 'has neither prefix'],
  [undefined, 'has neither prefix'],
  ['whsec_%', 'is not base64'],
  ['whsec_ ', 'is empty'],
  ['whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'has 24 bytes, expected 64'],
])('%o is no secret to sign with: it %s', (secret, problem) => {
  expect(signingSecretProblem(secret)).toMatch(problem)
  expect(() => publicKeyOf(secret as string)).toThrow(`the signing secret ${problem}`)
})
