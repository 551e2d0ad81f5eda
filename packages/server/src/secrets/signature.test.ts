import { signWebhook } from '@hookswitch/events'
import { describe, expect, test } from 'vitest'
import { signatureVerifier } from './signature.ts'

const now = Date.UTC(2026, 0, 1)
const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`
const other = `whsec_${Buffer.alloc(24, 8).toString('base64')}`
const body = Buffer.from('{"eventType":"call.started","callId":"a"}')

describe('signed bodies', () => {
  test('a source without signature secrets verifies nothing', () => {
    expect(signatureVerifier({ signatureSecrets: null }, () => now)).toBeNull()
  })

  test('a body is taken when one of the secrets signed it, and not when it was changed or is old', async () => {
    let time = now
    const verify = signatureVerifier({ signatureSecrets: [other, secret] }, () => time)
    const headers = { ...(await signWebhook({ id: 'msg_1', nowMs: now, body, secrets: [secret] })) }
    expect(await verify?.(headers, body)).toBeNull()
    expect(await verify?.(headers, Buffer.from('{}'))).toBe('no_matching_signature')
    expect(await verify?.({}, body)).toBe('missing_id')
    time = now + 301_000
    expect(await verify?.(headers, body)).toBe('too_old')
  })
})
