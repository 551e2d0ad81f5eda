import { afterEach, describe, expect, test, vi } from 'vitest'
import { createEgress, type KindContext, type Message } from '@hookswitch/destinations'
import { webhook } from '@hookswitch/destinations/config'
import { verifyWebhook } from '@hookswitch/events'
import {
  answers,
  destinationContract,
  destinationContractCases,
  loopback,
  type Peer,
  sampleMessage,
  startPeer,
} from '@hookswitch/testkit/destination-contract'
import { webhookKind } from '../src/webhook/webhook-kind.ts'

const whsec = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const whsk = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=='
const whpk = 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4='

describe('webhook', () => {
  const contract = destinationContract({
    kind: webhookKind,
    settings: (baseUrl) => ({
      url: `${baseUrl}/hooks/crm`,
      authKey: 'Bearer',
      authSecret: 's3cr3t "with" every\\thing',
      headers: { 'X-Api-Key': 'key-of-the-receiver' },
      signingSecrets: [whsec],
    }),
    secrets: ['s3cr3t', 'key-of-the-receiver', whsec],
    accepts: { status: 200 },
    urlSetting: 'url',
  })

  test('every case of the contract ran', () => {
    expect(contract.ran()).toBe(destinationContractCases)
  })
})

let peer: Peer | undefined
const noHeaders: Record<string, string> = {}
const context = (): KindContext => ({
  name: 'crm',
  egress: createEgress({ allow: loopback(), version: '1.2.3' }),
  publicUrl: null,
  version: '1.2.3',
  runHandler: () => Promise.reject(new Error('only a handler runs handlers')),
  overrideOf: () => Promise.reject(new Error('only the webhook of a call asks for it')),
})

afterEach(async () => {
  await peer?.close()
})

/** What a receiver gets of one try. */
async function received(settings: object, message: Partial<Message> = {}) {
  peer = await startPeer(answers({ status: 200 }))
  const given = webhookKind.settings.parse({ url: `${peer.url}/hook?tenant=7`, ...settings })
  const opened = context()
  const result = await webhookKind
    .open(given, opened)
    .send(sampleMessage(message), new AbortController().signal)
  await opened.egress.close()
  const [request] = peer.requests
  if (request === undefined) return { result, headers: noHeaders, body: '', url: '' }
  return { result, ...request, body: request.body.toString() }
}

describe('what a webhook sends', () => {
  test('without a template it is the event byte for byte - a signature of its sender stays valid', async () => {
    const body = Buffer.from('{ "callId" : "call_1",\r\n "n": 12345678901234567890, "é": "\\u00e9" }  ')
    const sent = await received({}, { body })
    expect(sent.body).toBe(body.toString())
    expect(sent.url, 'the query is part of the address').toBe('/hook?tenant=7')
    expect(sent.headers).toMatchObject({ 'content-type': 'application/json' })
    expect(sent.result.request).toMatchObject({ bodyBytes: body.byteLength, body: null })
  })

  test.each([
    ['an object', { text: 'Hi' }, 'application/json', '{"text":"Hi"}'],
    ['a list', [1, null, 'two'], 'application/json', '[1,null,"two"]'],
    ['a text', 'Hi – there', 'text/plain; charset=utf-8', 'Hi – there'],
    ['an empty text', '', 'text/plain; charset=utf-8', ''],
  ])('a template that returns %s decides what is sent', async (_what, content, type, body) => {
    const sent = await received({}, { content })
    expect(sent.body).toBe(body)
    expect(sent.headers).toMatchObject({ 'content-type': type })
    expect(sent.result.request?.body, 'the trace shows what was made').toBe(body)
  })

  test('a Content-Type of the settings goes before ours, however it is written', async () => {
    for (const name of ['Content-Type', 'content-type']) {
      const settings = { headers: { [name]: 'text/csv' } }
      const expected = { 'content-type': 'text/csv' }
      expect((await received(settings, { content: 'a,b' })).headers).toMatchObject(expected)
      expect((await received(settings)).headers).toMatchObject(expected)
    }
  })

  const cyclic: Record<string, unknown> = {}
  cyclic['itself'] = cyclic
  test.each([
    ['null', null],
    ['a number', 5],
    ['a boolean', false],
    ['what JSON cannot hold', cyclic],
    ['what JSON cannot hold', { big: 1n }],
  ])('a template that returns %s is at fault, and nothing is sent', async (what, content) => {
    const sent = await received({}, { content })
    expect(sent.result).toMatchObject({
      verdict: 'reject',
      cause: 'code',
      message: `the template returned ${what}, expected an object, a list or a text`,
    })
    expect(peer?.connections()).toBe(0)
  })

  test.each([
    [{ authKey: 'Bearer', authSecret: 'abc' }, 'Bearer abc'],
    [{ authKey: 'Token', authSecret: 'Bearer abc' }, 'Token Bearer abc'],
    [{ authSecret: 'abc' }, 'abc'],
    [{ authKey: '', authSecret: 'abc' }, 'abc'],
    [{ authKey: 'X Y', authSecret: 'a"b\\c  d=' }, 'X Y a"b\\c  d='],
  ])('%j is sent as it stands', async (settings, authorization) => {
    expect((await received(settings)).headers).toMatchObject({ authorization })
  })

  test('a secret is masked in the answer when the key before it has several words', async () => {
    peer = await startPeer((_request, response) => response.end('open-sesame is not known'))
    const settings = { url: peer.url, authKey: 'Two Words', authSecret: 'open-sesame' }
    const opened = context()
    const result = await webhookKind
      .open(webhookKind.settings.parse(settings), opened)
      .send(sampleMessage(), new AbortController().signal)
    await opened.egress.close()
    expect(result.response?.body).toBe('*** is not known')
  })

  test('without a secret there is no Authorization', async () => {
    expect((await received({})).headers).not.toHaveProperty('authorization')
  })

  test('it says which event and delivery it is, and which replay in a replay', async () => {
    const first = await received({})
    expect(first.headers).toMatchObject({
      'webhook-id': 'evt_00000000000000000000000001',
      'hookswitch-delivery': 'dlv_1',
      'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
    })
    expect(first.headers).not.toHaveProperty('hookswitch-replay')
    expect(first.headers).not.toHaveProperty('webhook-signature')
    expect(first.headers).not.toHaveProperty('hookswitch-test')
    const replayed = await received({}, { deliveryId: 'dlv_2', replayId: 'rpl_1', attempt: 3 })
    expect(replayed.headers).toMatchObject({
      'webhook-id': 'evt_00000000000000000000000001',
      'hookswitch-delivery': 'dlv_2',
      'hookswitch-replay': 'rpl_1',
    })
  })

  test('a sample says that it is one', async () => {
    expect((await received({}, { test: true })).headers).toMatchObject({ 'hookswitch-test': 'true' })
  })

  test('it is signed with each secret - a receiver has the old one or the new one', async () => {
    const { headers, body } = await received({ signingSecrets: [whsec, whsk] })
    const check = (secret: string) =>
      verifyWebhook({
        id: headers['webhook-id'],
        timestamp: headers['webhook-timestamp'],
        signature: headers['webhook-signature'],
        body: Buffer.from(body),
        secrets: [secret],
        nowMs: Date.now(),
      })
    expect(headers['webhook-signature']).toMatch(/^v1,\S+ v1a,\S+$/)
    expect(await check(whsec)).toMatchObject({ ok: true })
    expect(await check(whpk)).toMatchObject({ ok: true })
    expect(await check('whsec_b3RoZXI=')).toMatchObject({ ok: false })
  })

  describe('with a secret that has an end', () => {
    const end = Date.parse('2026-03-01T12:00:00Z')
    const ending = { secret: whsec, until: '2026-03-01T13:00:00+01:00' }

    afterEach(() => {
      vi.useRealTimers()
    })

    test('it signs with that one until then, looked at for each request', async () => {
      vi.useFakeTimers({ toFake: ['Date'] })
      peer = await startPeer(answers({ status: 200 }))
      const given = webhookKind.settings.parse({ url: peer.url, signingSecrets: [whsk, ending] })
      const opened = context()
      const destination = webhookKind.open(given, opened)
      for (const now of [end - 1, end]) {
        vi.setSystemTime(now)
        await destination.send(sampleMessage(), new AbortController().signal)
      }
      await opened.egress.close()
      expect(peer.requests.map(({ headers }) => headers['webhook-signature'])).toEqual([
        expect.stringMatching(/^v1a,\S+ v1,\S+$/),
        expect.stringMatching(/^v1a,\S+$/),
      ])
    })

    test('nothing of it is shown, or sent but for the signature', async () => {
      const sent = await received({ signingSecrets: [whsk, ending] })
      expect(JSON.stringify(sent)).not.toContain(whsec.slice('whsec_'.length))
    })
  })

  test('what a template made is signed as it is sent', async () => {
    const { headers, body } = await received({ signingSecrets: [whsec] }, { content: { é: 'ü' } })
    const verdict = await verifyWebhook({
      id: headers['webhook-id'],
      timestamp: headers['webhook-timestamp'],
      signature: headers['webhook-signature'],
      body: Buffer.from(body),
      secrets: [whsec],
      nowMs: Date.now(),
    })
    expect(verdict).toMatchObject({ ok: true })
  })
})

describe('the settings of a webhook', () => {
  const url = 'https://example.com/hook'

  /** `path: expectation` of each problem. */
  function problems(settings: unknown): string[] {
    const issues = webhookKind.settings.safeParse(settings).error?.issues ?? []
    return issues.map((issue) => {
      const message = issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? '') : issue.message
      return `${issue.path.join('.')}: ${message}`
    })
  }

  test('a URL is enough, and a try has five seconds', () => {
    expect(webhookKind.settings.parse({ url })).toEqual({ url, timeoutSeconds: 5 })
  })

  test('all that is set is kept', () => {
    const settings = {
      url,
      authKey: 'Bearer',
      authSecret: 'abc',
      headers: { 'X-Key': 'v', 'User-Agent': 'ours', 'Content-Type': 'text/csv' },
      signingSecrets: [whsec, { secret: whsk, until: '2026-03-01T12:00:00Z' }],
      timeoutSeconds: 30,
    }
    expect(webhookKind.settings.parse(settings)).toEqual(settings)
  })

  const aUrl = 'a URL such as https://example.com/hook'
  const text = 'a text of printable ASCII characters'
  const secret = 'a secret such as whsec_… (HMAC) or whsk_… (ed25519), base64 after the prefix'
  const time = 'a time such as 2026-01-31T12:00:00Z'
  const secretOrEnding = `${secret}, or one with an end: { "secret": "whsec_…", "until": "2026-01-31T12:00:00Z" }`
  const ends = (of: string, until = '2026-03-01T12:00:00Z') => ({ secret: of, until })
  const seconds = 'a number of seconds from 1 to 30'
  const name = 'the name of a header'
  const ownHeaders = [
    'Host',
    'Content-Length',
    'Connection',
    'Keep-Alive',
    'Transfer-Encoding',
    'TE',
    'Trailer',
    'Upgrade',
    'Expect',
    'Proxy-Authorization',
    'Authorization',
    'authorization',
    'webhook-id',
    'Webhook-Signature',
    'hookswitch-replay',
    'Hookswitch-Anything',
  ]
  const ownName = 'a header that the webhook does not set itself'

  test.each<[unknown, string]>([
    [undefined, ': an object of settings'],
    [{}, `url: ${aUrl}`],
    [{ url: undefined }, `url: ${aUrl}`],
    [{ url: 'example.com' }, `url: ${aUrl}`],
    [{ url: 'ftp://example.com' }, `url: ${aUrl}`],
    [{ url, method: 'PUT' }, ': url authKey authSecret headers signingSecrets timeoutSeconds'],
    [{ url, timeoutSeconds: 0 }, `timeoutSeconds: ${seconds}`],
    [{ url, timeoutSeconds: 31 }, `timeoutSeconds: ${seconds}`],
    [{ url, timeoutSeconds: '5' }, `timeoutSeconds: ${seconds}`],
    [{ url, authSecret: undefined }, `authSecret: ${text}`],
    [{ url, authSecret: '' }, `authSecret: ${text}`],
    [{ url, authSecret: 'line\nbreak' }, `authSecret: ${text}`],
    [{ url, authSecret: 'schlüssel' }, `authSecret: ${text}`],
    [{ url, authKey: 'Bearer' }, 'authSecret: the secret that goes with authKey'],
    [{ url, signingSecrets: [] }, 'signingSecrets: at least one secret without an end'],
    [{ url, signingSecrets: [undefined] }, `signingSecrets.0: ${secretOrEnding}`],
    [{ url, signingSecrets: [whsec, 'abc'] }, `signingSecrets.1: ${secret}`],
    [{ url, signingSecrets: ['whsec_'] }, `signingSecrets.0: ${secret}`],
    [{ url, signingSecrets: ['whsec_not base64!'] }, `signingSecrets.0: ${secret}`],
    [{ url, signingSecrets: ['whsk_b3RoZXI='] }, `signingSecrets.0: ${secret}`],
    [{ url, signingSecrets: [whpk] }, `signingSecrets.0: ${secret}`],
    [{ url, signingSecrets: [ends(whsec)] }, 'signingSecrets: at least one secret without an end'],
    [
      { url, signingSecrets: [ends(whsec), ends(whsk)] },
      'signingSecrets: at least one secret without an end',
    ],
    [{ url, signingSecrets: [whsec, ends('abc')] }, `signingSecrets.1.secret: ${secret}`],
    [{ url, signingSecrets: [whsec, ends(whsk, 'soon')] }, `signingSecrets.1.until: ${time}`],
    [{ url, signingSecrets: [whsec, ends(whsk, '2026-03-01')] }, `signingSecrets.1.until: ${time}`],
    [{ url, signingSecrets: [whsec, ends(whsk, '2026-03-01T12:00:00')] }, `signingSecrets.1.until: ${time}`],
    [{ url, signingSecrets: [whsec, { ...ends(whsk), from: 1 }] }, 'signingSecrets.1: secret until'],
    [{ url, signingSecrets: [whsec, { secret: whsk }] }, `signingSecrets.1: ${secretOrEnding}`],
    [{ url, headers: { 'X Key': 'v' } }, `headers.X Key: ${name}`],
    [{ url, headers: { '': 'v' } }, `headers.: ${name}`],
    [{ url, headers: { 'X-Key': 'line\r\nX-Other: v' } }, `headers.X-Key: ${text}`],
    [{ url, headers: { 'X-Key': undefined } }, `headers.X-Key: ${text}`],
    [{ url, headers: { 'X-Key': 'a', 'x-key': 'b' } }, 'headers: each header once, whatever its letters'],
    ...ownHeaders.map((header): [unknown, string] => [
      { url, headers: { [header]: 'v' } },
      `headers.${header}: ${ownName}`,
    ]),
  ])('%j is refused with what is expected', (settings, problem) => {
    expect(problems(settings)).toEqual([problem])
  })

  test('a URL with credentials is refused without showing them', async () => {
    const given = webhookKind.settings.parse({ url: 'https://user:open-sesame@example.com/' })
    expect(await webhookKind.check(given, context())).toEqual({
      setting: 'url',
      problem: 'has a user or a password in it, expected a URL such as https://example.com/hook',
    })
  })

  test('the function of the config file names the kind', () => {
    const template = (): object => ({})
    expect(webhook({ name: 'crm', template, settings: { url } })).toEqual({
      kind: 'webhook',
      name: 'crm',
      template,
      settings: { url },
    })
  })
})
