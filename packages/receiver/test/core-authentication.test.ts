import { createHmac } from 'node:crypto'
import { ingestAnswers } from '@hookswitch/events'
import { createReceiver } from '@hookswitch/receiver'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { answered, ended, listening, request, secret } from './core-requests.ts'

const on = { 'call.ended': () => {} }

/** What a receiver with these secrets says to this header: the status, and the reason of the log. */
async function said(secrets: string | string[], authorization: string | null): Promise<unknown> {
  const receiver = listening({ on, secrets })
  const asked = new Request('https://app.example/webhook', {
    method: 'POST',
    body: JSON.stringify(ended()),
    headers: authorization === null ? {} : { authorization },
  })
  const { status, body } = await answered(receiver.fetch(asked))
  if (status === 401) expect(body).toBe(ingestAnswers.unauthorized.body)
  return receiver.told.log[0]?.reason ?? status
}

describe('the header', () => {
  test.each([
    'Bearer X1',
    'bearer X1',
    'BEARER X1',
    'Bearer \t X1',
    'bearer Bearer X1',
    'Bearer bearer X1',
    'Token X1',
    'token X1',
    'X1',
    '  X1  ',
  ])('%j shows the secret', async (authorization) => {
    expect(await said('X1', authorization)).toBe(200)
    // However it was configured: the guide compares the whole header, so that people have `Bearer ` in the variable.
    expect(await said('Bearer X1', authorization)).toBe(200)
    expect(await said('  bearer   X1\n', authorization)).toBe(200)
  })

  test.each([
    'Bearer X2',
    'Bearer x1',
    'Bearer X',
    'Bearer X11',
    'Bearer X1 X1',
    'BearerX1',
    'Basic WDE=',
    'Bearer',
    'Bearer Bearer Bearer Bearer X1',
    'Bearer undefined',
  ])('%j does not', async (authorization) => {
    expect(await said('X1', authorization)).toBe('secret_mismatch')
  })

  test.each([null, '', '   '])('%j has none', async (authorization) => {
    expect(await said('X1', authorization)).toBe('secret_missing')
  })

  test('a secret may itself begin with the word', async () => {
    expect(await said('Token abc', 'Bearer Token abc')).toBe(200)
    expect(await said('Token abc', 'Token abc')).toBe(200)
    expect(await said('bearer-of-news', 'Bearer bearer-of-news')).toBe(200)
  })

  test('several secrets are valid at once - one replaces the other without a gap', async () => {
    const both = ['old-secret', 'Bearer new-secret']
    expect(await said(both, 'Bearer old-secret')).toBe(200)
    expect(await said(both, 'Bearer new-secret')).toBe(200)
    expect(await said(both, 'Bearer old-secret,new-secret')).toBe('secret_mismatch')
    expect(await said(['new-secret'], 'Bearer old-secret')).toBe('secret_mismatch')
  })

  test('a header that was right is known again, and changes nothing for the others', async () => {
    const receiver = listening({ on, secrets: 'X1' })
    const ask = async (authorization: string): Promise<number> =>
      (await receiver.fetch(request(ended(), { headers: { authorization } }))).status
    const forms = Array.from({ length: 40 }, (_, spaces) => `Bearer ${' '.repeat(spaces)}X1`)
    for (const form of [...forms, ...forms]) expect(await ask(form)).toBe(200)
    for (const wrong of ['Bearer X2', 'Bearer X', 'X', 'Bearer X2']) expect(await ask(wrong)).toBe(401)
    expect(await ask('Bearer X1')).toBe(200)
  })

  test("with auth: 'none' anybody may send", async () => {
    const { fetch } = createReceiver({ auth: 'none', on })
    const anybody = new Request('https://app.example/', { method: 'POST', body: JSON.stringify(ended()) })
    expect((await answered(fetch(anybody))).status).toBe(200)
  })
})

describe('the signature', () => {
  // The vectors of the specification's own libraries. Their body is no event, so what verifies gets 400 and not 401.
  const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
  const timestamp = '1614265330'
  const body = '{"test": 2432232314}'
  const hmacSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const hmac = 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
  const publicKey = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='
  const ed25519 =
    'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=='
  const other = `whsec_${btoa('another secret of 24 byte')}`
  const signed = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': hmac }

  async function saidTo(
    headers: Record<string, string>,
    { secrets = [hmacSecret], nowMs = Number(timestamp) * 1000, toleranceSeconds = 300, sent = body } = {},
  ): Promise<unknown> {
    const receiver = listening({
      on,
      signature: { secrets, toleranceSeconds },
      now: () => nowMs,
    })
    await receiver.fetch(request(sent, { headers }))
    return receiver.told.log[0]?.reason
  }

  test.each([
    ['HMAC', { secrets: [hmacSecret] }, hmac],
    ['HMAC without its prefix', { secrets: [hmacSecret.slice('whsec_'.length)] }, hmac],
    ['ed25519', { secrets: [publicKey] }, ed25519],
    ['one of several secrets', { secrets: [other, hmacSecret] }, hmac],
    ['one of several signatures', { secrets: [hmacSecret] }, `v1,${btoa('x'.repeat(32))} ${hmac}`],
    ['at the edge of the tolerance', { nowMs: (Number(timestamp) + 300) * 1000 }, hmac],
  ])('%s verifies', async (_what, options, signature) => {
    expect(await saidTo({ ...signed, 'webhook-signature': signature }, options)).toBe('invalid_payload')
  })

  test.each([
    ['another body', 'signature_no_matching_signature', signed, { sent: `${body} ` }],
    ['another secret', 'signature_no_matching_signature', signed, { secrets: [other] }],
    ['another id', 'signature_no_matching_signature', { ...signed, 'webhook-id': 'msg_2' }, {}],
    ['no id', 'signature_missing_id', { ...signed, 'webhook-id': '' }, {}],
    ['no time', 'signature_missing_timestamp', { ...signed, 'webhook-timestamp': '' }, {}],
    ['no signature', 'signature_missing_signature', { ...signed, 'webhook-signature': '' }, {}],
    ['no time in the time', 'signature_invalid_timestamp', { ...signed, 'webhook-timestamp': 'now' }, {}],
    ['a replay', 'signature_too_old', signed, { nowMs: (Number(timestamp) + 301) * 1000 }],
    ['a clock ahead', 'signature_too_new', signed, { nowMs: (Number(timestamp) - 301) * 1000 }],
    ['a shorter tolerance', 'signature_too_old', signed, { toleranceSeconds: 9, nowMs: 1614265340e3 }],
  ])('%s is refused, and the log says why', async (_what, reason, headers, options) => {
    expect(await saidTo(headers, options)).toBe(reason)
  })

  test('what the library of the specification signs is taken, and is asked for besides the secret', async () => {
    const receiver = listening({ on, signature: { secrets: [hmacSecret] } })
    const text = JSON.stringify(ended('call_é', 'مرحبا'))
    const at = new Date()
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(hmacSecret).sign('msg_1', at, text),
    }
    expect(await answered(receiver.fetch(request(text, { headers })))).toMatchObject({
      status: 200,
      body: '{"received":true,"id":"msg_1"}',
    })
    const unsecret = { ...headers, authorization: 'Bearer wrong' }
    expect((await receiver.fetch(request(text, { headers: unsecret }))).status).toBe(401)
  })

  test('it goes by the bytes - decoding and encoding them again would change these', async () => {
    const bytes = new Uint8Array([0xef, 0xbb, 0xbf, ...new TextEncoder().encode(JSON.stringify(ended()))])
    const seconds = String(Math.floor(Date.now() / 1000))
    const key = Buffer.from(hmacSecret.slice('whsec_'.length), 'base64')
    const mac = createHmac('sha256', key).update(`msg_1.${seconds}.`).update(bytes).digest('base64')
    const receiver = createReceiver({ signature: { secrets: [hmacSecret] }, on })
    const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': seconds, 'webhook-signature': `v1,${mac}` }
    const asked = new Request('https://app.example/', { method: 'POST', body: bytes, headers })
    expect((await receiver.fetch(asked)).status).toBe(200)
  })
})

test('the id is the one of the sender where it can stand anywhere, and made of the content otherwise', async () => {
  const receiver = listening({ on })
  const idFor = async (webhookId: string | null, body: unknown = ended()): Promise<string> => {
    const headers: Record<string, string> = webhookId === null ? {} : { 'webhook-id': webhookId }
    const { body: text } = await answered(receiver.fetch(request(body, { headers })))
    return (JSON.parse(text) as { id: string }).id
  }
  expect(await idFor('evt_01HZX-_9')).toBe('evt_01HZX-_9')
  expect(await idFor('a'.repeat(200))).toBe('a'.repeat(200))
  const made = await idFor(null)
  expect(made).toMatch(/^evt_[0-9a-f]{32}$/)
  expect(made).not.toContain(secret)
  for (const unusable of ['', 'a'.repeat(201), 'a"b', 'a.b', 'a b', 'a/../b']) {
    expect(await idFor(unusable)).toBe(made)
  }
  expect(await idFor(null, ended('call_2'))).not.toBe(made)
})
