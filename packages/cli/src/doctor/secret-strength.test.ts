import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { weaknessOf } from './secret-strength.ts'

describe('the strength of a secret', () => {
  test('what is made at random passes, in every usual form - nobody should be told to replace a good one', () => {
    for (let tries = 0; tries < 200; tries += 1) {
      expect(weaknessOf(randomBytes(16).toString('hex'))).toBeNull()
      expect(weaknessOf(randomBytes(32).toString('base64url'))).toBeNull()
      expect(weaknessOf(`whk_${randomBytes(32).toString('base64url')}`)).toBeNull()
    }
  })

  test.each(['your_secret_token', 'sk_live_abc123xyz789', 'Secret'])(
    'the sample "%s" is no secret - it stands in the documentation',
    (sample) => {
      expect(weaknessOf(sample)).toMatch(/sample of the documentation/)
    },
  )

  test('a short one can be tried out', () => {
    expect(weaknessOf('x7Kp2mQ9vL4tR8wZ')).toBe('has 16 characters, fewer than 24')
  })

  test.each(['a'.repeat(40), 'abc123'.repeat(8), 'ab'.repeat(16), 'aaaaaaaaaaaaaaaaaaaaaaaaaaab'])(
    '"%s" is long and says little',
    (secret) => {
      expect(weaknessOf(secret)).toBe('repeats itself')
    },
  )
})
