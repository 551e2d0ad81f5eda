import { describe, expect, test } from 'vitest'
import { signWebhook, verifyWebhook } from './standard-webhooks.ts'

// The vectors of the specification's own libraries.
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
const timestamp = '1614265330'
const nowMs = Number(timestamp) * 1000
const body = new TextEncoder().encode('{"test": 2432232314}')
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const signature = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
const privateKey =
  'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='
const publicKey = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='
const ed25519 = 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=='
const other = 'whsec_' + btoa('another secret of 24 byte')

const good = { id, timestamp, signature, body, secrets: [secret], nowMs }
const accepted = { ok: true, id, timestampSeconds: Number(timestamp) }
const refused = (reason: string) => ({ ok: false, reason })

describe('signing', () => {
  test('HMAC as in the specification’s vector', async () => {
    expect(await signWebhook({ id, nowMs: nowMs + 999, body, secrets: [secret] })).toEqual({
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signature,
    })
  })

  test('ed25519 as in the specification’s vector', async () => {
    const headers = await signWebhook({ id, nowMs, body, secrets: [privateKey] })
    expect(headers['webhook-signature']).toBe(ed25519)
  })

  test('with several secrets there is a signature by each — the receiver may have either', async () => {
    const headers = await signWebhook({ id, nowMs, body, secrets: [other, secret, privateKey] })
    const signatures = headers['webhook-signature']
    expect(signatures.split(' ')).toHaveLength(3)
    for (const one of [other, secret, publicKey]) {
      expect(await verifyWebhook({ ...good, signature: signatures, secrets: [one] })).toEqual(accepted)
    }
  })

  test.each([
    ['none', []],
    ['an empty one', ['']],
    ['an empty one with prefix', ['whsec_']],
    ['not base64', ['whsec_*']],
    ['a public key', [publicKey]],
    ['a short private key', ['whsk_AAAA']],
  ])('secrets that cannot sign are refused: %s', async (_what, secrets) => {
    await expect(signWebhook({ id, nowMs, body, secrets })).rejects.toThrow(TypeError)
  })
})

describe('verifying', () => {
  test('the vectors', async () => {
    expect(await verifyWebhook(good)).toEqual(accepted)
    expect(await verifyWebhook({ ...good, secrets: [secret.slice('whsec_'.length)] })).toEqual(accepted)
    for (const key of [publicKey, privateKey]) {
      expect(await verifyWebhook({ ...good, signature: ed25519, secrets: [key] })).toEqual(accepted)
    }
  })

  test('any of several secrets, in either order — rotation overlaps', async () => {
    expect(await verifyWebhook({ ...good, secrets: [other, secret] })).toEqual(accepted)
    expect(await verifyWebhook({ ...good, secrets: [secret, other] })).toEqual(accepted)
  })

  test('any of several signatures, other versions passed over — not only the first v1 counts', async () => {
    const wrong = 'v1,' + btoa('x'.repeat(32))
    const header = `v2,abc ${wrong} v1a,AAAA  ${signature} v1,*`
    expect(await verifyWebhook({ ...good, signature: header })).toEqual(accepted)
  })

  test('a hostile number of signatures is cut at sixteen', async () => {
    const wrong = ('v1,' + btoa('x'.repeat(32)) + ' ').repeat(16)
    expect(await verifyWebhook({ ...good, signature: wrong + signature })).toEqual(
      refused('no_matching_signature'),
    )
  })

  test.each([
    ['id', 'missing_id'],
    ['timestamp', 'missing_timestamp'],
    ['signature', 'missing_signature'],
  ] as const)('a missing %s is named', async (field, reason) => {
    for (const value of [undefined, null, '']) {
      expect(await verifyWebhook({ ...good, [field]: value })).toEqual(refused(reason))
    }
  })

  test.each(['now', '16142653.30', '-1614265330', '1614265330 ', '0x60379b32', '9'.repeat(30)])(
    'a timestamp that is no number of seconds is refused: %j',
    async (bad) => {
      expect(await verifyWebhook({ ...good, timestamp: bad })).toEqual(refused('invalid_timestamp'))
    },
  )

  test('five minutes are tolerated both ways, and no more', async () => {
    const at = (seconds: number) => verifyWebhook({ ...good, nowMs: nowMs + seconds * 1000 })
    expect(await at(300)).toEqual(accepted)
    expect(await at(301)).toEqual(refused('too_old'))
    expect(await at(-300)).toEqual(accepted)
    expect(await at(-301)).toEqual(refused('too_new'))
    expect(await verifyWebhook({ ...good, nowMs: nowMs + 9000, toleranceSeconds: Infinity })).toEqual(
      accepted,
    )
  })

  test.each([
    ['another body', { body: new TextEncoder().encode('{"test": 2432232315}') }],
    ['the same JSON, written differently', { body: new TextEncoder().encode('{"test":2432232314}') }],
    ['an empty body', { body: new Uint8Array() }],
    ['another id', { id: `${id}x` }],
    ['another second', { timestamp: '1614265331' }],
    ['the second with a leading zero', { timestamp: `0${timestamp}` }],
    ['another secret', { secrets: [other] }],
    ['a part of the signature', { signature: signature.slice(0, 20) }],
    ['no version', { signature: signature.slice(3) }],
    ['a version without a signature', { signature: 'v1,' }],
    ['an HMAC called ed25519', { signature: signature.replace('v1,', 'v1a,'), secrets: [publicKey] }],
    ['a public key used as an HMAC secret', { secrets: [publicKey] }],
  ])('%s does not match', async (_what, change) => {
    expect(await verifyWebhook({ ...good, ...change })).toEqual(refused('no_matching_signature'))
  })

  test('an empty payload can be signed like any other', async () => {
    const empty = new Uint8Array()
    const headers = await signWebhook({ id, nowMs, body: empty, secrets: [secret] })
    const verdict = await verifyWebhook({ ...good, signature: headers['webhook-signature'], body: empty })
    expect(verdict).toEqual(accepted)
  })

  test('the bytes are signed, not a text decoded from them', async () => {
    const bytes = Uint8Array.from([0xff, 0x00, 0xc3])
    const headers = await signWebhook({ id, nowMs, body: bytes, secrets: [secret] })
    const signed = { ...good, signature: headers['webhook-signature'] }
    expect(await verifyWebhook({ ...signed, body: bytes })).toEqual(accepted)
    const decoded = new TextEncoder().encode(new TextDecoder().decode(bytes))
    expect(await verifyWebhook({ ...signed, body: decoded })).toEqual(refused('no_matching_signature'))
  })

  test('without a secret nothing is verified — an empty list is no permission', async () => {
    expect(await verifyWebhook({ ...good, secrets: [] })).toEqual(refused('no_secret'))
    await expect(verifyWebhook({ ...good, secrets: ['whsec_'] })).rejects.toThrow(TypeError)
  })
})
