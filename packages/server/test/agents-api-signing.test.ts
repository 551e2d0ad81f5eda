import { createPublicKey, verify } from 'node:crypto'
import type { Peer, PeerRequest } from '@hookswitch/testkit/destination-contract'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  filesOf,
  itself,
  sampleSent,
  startAgentServer,
  startEndpoint,
  type AgentServer,
} from './agent-server.ts'
import { startApiServer } from './api-server.ts'
import { errorOf } from './delivery-server.ts'

// The keys that agents' webhooks are signed with, over HTTP and verified by a library that is not ours.

const hourMs = 3_600_000

let server: AgentServer
let peer: Peer
beforeEach(async () => {
  // What is sent is signed by the time that it is.
  server = await startAgentServer({ startsAt: Date.now() })
  peer = await startEndpoint()
})
afterEach(() => server.close())

async function made(signing: 'v1' | 'v1a' | null): Promise<string> {
  const { signingSecret } = await server.agent({ webhook: { url: peer.url, signing } })
  return String(signingSecret)
}

interface Rotation {
  signingSecret: string | null
  publicKey: string | null
  previousUntil: string | null
}

async function rotate(given?: Record<string, unknown>): Promise<Rotation> {
  const { status, body, text } = await server.send('POST', '/agents/recruiter/signing-secret', given)
  expect(status, text).toBe(200)
  return body as unknown as Rotation
}

async function sent(): Promise<PeerRequest> {
  return sampleSent(server, 'recruiter', peer)
}

function isVerified({ body, headers }: PeerRequest, secret: string | null): boolean {
  try {
    new Webhook(String(secret)).verify(body, headers)
    return true
  } catch {
    return false
  }
}

function versionsOf({ headers }: PeerRequest): string[] {
  return [...(headers['webhook-signature'] ?? '').matchAll(/\b(v1a?),/g)].map(([, version]) =>
    String(version),
  )
}

/** Each `v1a` signature, verified by Node's own ed25519. */
function verifiedBy({ body, headers }: PeerRequest, publicKey: string | null): boolean {
  const x = Buffer.from(String(publicKey).replace('whpk_', ''), 'base64').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const signed = Buffer.concat([
    Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`),
    body,
  ])
  return (headers['webhook-signature'] ?? '')
    .split(' ')
    .filter((text) => text.startsWith('v1a,'))
    .some((text) => verify(null, signed, key, Buffer.from(text.slice('v1a,'.length), 'base64')))
}

async function keys(): Promise<Record<string, unknown>[]> {
  const { webhook } = (await server.ask('/agents/recruiter')).body as { webhook: { signing: never } }
  return webhook.signing
}

describe('a key of the webhook', () => {
  test('signs from the first event on', async () => {
    const secret = await made('v1')
    const request = await sent()
    expect(isVerified(request, secret)).toBe(true)
    expect(isVerified({ ...request, body: Buffer.from(`${String(request.body)} `) }, secret)).toBe(false)
  })

  test('is replaced while both sign, so that no event is lost in between', async () => {
    const before = await made('v1')
    const { signingSecret: after, publicKey, previousUntil } = await rotate()
    expect(publicKey).toBeNull()
    expect(Date.parse(String(previousUntil)) - Date.now()).toBeLessThanOrEqual(24 * hourMs)
    expect(await keys()).toEqual([
      { version: 'v1', publicKey: null, until: null },
      { version: 'v1', publicKey: null, until: previousUntil },
    ])
    const request = await sent()
    expect([before, after].map((secret) => isVerified(request, secret))).toEqual([true, true])
    for (const secret of [before, String(after)]) {
      const bytes = secret.replace('whsec_', '')
      expect((await server.ask('/agents/recruiter')).text).not.toContain(bytes)
      expect((await server.ask('/destinations')).text).not.toContain(bytes)
      expect((await server.ask('/audit')).text).not.toContain(bytes)
      expect(JSON.stringify(server.logged)).not.toContain(bytes)
      expect(await filesOf(server.folder)).not.toContain(bytes)
    }
    expect((await server.itemsOf('/audit'))[1]).toMatchObject({
      action: 'agent.rotate',
      target: 'recruiter',
      detail: { previousUntil },
    })
  })

  test('before it is over for the clock, and not after', async () => {
    await made('v1')
    const { previousUntil } = await rotate({ overlapHours: 2 })
    server.advance(2 * hourMs - 1)
    expect(await keys()).toHaveLength(2)
    server.advance(1)
    expect(Date.parse(String(previousUntil)) <= Date.now()).toBe(false)
    expect(await keys()).toEqual([{ version: 'v1', publicKey: null, until: null }])
  })

  test('that is over does not sign any more', async () => {
    await server.close()
    // A day behind: what lasts for an hour by the server's clock was over long ago by that of who sends.
    server = await startAgentServer({ startsAt: Date.now() - 24 * hourMs })
    const before = await made('v1')
    const { signingSecret: after } = await rotate({ overlapHours: 1 })
    const request = await sent()
    expect([before, after].map((secret) => isVerified(request, secret))).toEqual([false, true])
    expect(versionsOf(request)).toEqual(['v1'])
  })

  test('ends at once with an overlap of zero', async () => {
    const before = await made('v1')
    const { signingSecret: after, previousUntil } = await rotate({ overlapHours: 0 })
    expect(previousUntil).toBeNull()
    const request = await sent()
    expect([before, after].map((secret) => isVerified(request, secret))).toEqual([false, true])
  })

  test('is made where there was none', async () => {
    await made(null)
    expect(versionsOf(await sent())).toEqual([])
    const { signingSecret, previousUntil } = await rotate({})
    expect(previousUntil).toBeNull()
    expect(isVerified(await sent(), signingSecret)).toBe(true)
  })

  test('may be one of one’s own, which is not shown again', async () => {
    await made('v1')
    const secret = `whsec_${Buffer.from('a key of one’s own, 32 bytes long').toString('base64')}`
    expect(await rotate({ secret })).toMatchObject({ signingSecret: null, publicKey: null })
    expect(isVerified(await sent(), secret)).toBe(true)
    // Given once more it signs once, and without an end.
    expect(await rotate({ secret, overlapHours: 1 })).toMatchObject({ signingSecret: null })
    expect(await keys()).toHaveLength(2)
    expect(isVerified(await sent(), secret)).toBe(true)
  })

  test('is of the version of the one before, unless another is asked for', async () => {
    const before = await made('v1')
    const { signingSecret, publicKey } = await rotate({ version: 'v1a' })
    expect([signingSecret, publicKey]).toEqual([null, expect.stringMatching(/^whpk_[\w+/]{43}=$/)])
    const request = await sent()
    expect(versionsOf(request)).toEqual(['v1a', 'v1'])
    expect([verifiedBy(request, publicKey), isVerified(request, before)]).toEqual([true, true])
    const { publicKey: next } = await rotate()
    expect(next).toMatch(/^whpk_/)
    expect((await keys()).map((key) => key['publicKey'])).toEqual([next, publicKey, null])
    const last = await sent()
    expect([publicKey, next].map((key) => verifiedBy(last, key))).toEqual([true, true])
  })

  test('after many rotations the newest ten sign, the latest first', async () => {
    const secrets = [await made('v1')]
    for (let round = 0; round < 11; round += 1) secrets.push(String((await rotate()).signingSecret))
    const request = await sent()
    expect(secrets.map((secret) => isVerified(request, secret))).toEqual([
      false,
      false,
      ...Array.from({ length: 10 }, () => true),
    ])
    expect(await keys()).toHaveLength(10)
  })

  test('an overlap stays as long as was said - a receiver may rely on it', async () => {
    await made('v1')
    const { previousUntil: first } = await rotate({ overlapHours: 720 })
    const { previousUntil: second } = await rotate({ overlapHours: 1 })
    expect((await keys()).map((key) => key['until'])).toEqual([null, second, first])
    await rotate({ overlapHours: 0 })
    expect((await keys()).map((key) => key['until'])).toEqual([null, second, first])
  })

  test('is taken away and changed by a change of the agent, at once', async () => {
    const before = await made('v1')
    const change = async (signing: unknown) =>
      (await server.send('PATCH', '/agents/recruiter', { webhook: { signing } })).body
    expect(await change('v1')).not.toHaveProperty('signingSecret')
    expect(isVerified(await sent(), before)).toBe(true)
    expect(await change('v1a')).toMatchObject({ webhook: { signing: [{ version: 'v1a' }] } })
    const { signing } = (await server.ask('/agents/recruiter')).body['webhook'] as {
      signing: { publicKey: string }[]
    }
    const request = await sent()
    expect([isVerified(request, before), verifiedBy(request, signing[0]?.publicKey ?? null)]).toEqual([
      false,
      true,
    ])
    const { signingSecret } = await change('v1')
    expect(isVerified(await sent(), String(signingSecret))).toBe(true)
    expect(await change(null)).toMatchObject({ webhook: { signing: [], secrets: [] } })
    expect(versionsOf(await sent())).toEqual([])
  })

  test('that is new ends a hold for the old one', async () => {
    await made('v1')
    const [endpoint] = await server.store.listDestinations()
    await server.store.holdDestination(endpoint?.id ?? '', { reason: 'auth', until: null, detail: null })
    await rotate()
    expect((await server.ask('/agents/recruiter')).body).toMatchObject({
      webhook: { state: { state: 'active' } },
    })
  })

  test('two rotations at once are both made, and both keys sign', async () => {
    const before = await made('v1')
    const both = await Promise.all([rotate(), rotate()])
    const request = await sent()
    const secrets = [before, ...both.map(({ signingSecret }) => signingSecret)]
    expect(secrets.map((secret) => isVerified(request, secret))).toEqual([true, true, true])
  })

  const secret = 'a secret such as whsec_… (HMAC) or whsk_… (ed25519), base64 after the prefix'
  test.each<[Record<string, unknown>, string | RegExp]>([
    [{ version: 'v2' }, 'version is "v2", expected v1 (HMAC-SHA256) or v1a (ed25519)'],
    [{ secret: 'secret-of' }, `secret is not valid, expected ${secret}`],
    [{ secret: 'whpk_secret-of' }, `secret is not valid, expected ${secret}`],
    [{ secret: 'whsec_' }, `secret is not valid, expected ${secret}`],
    [{ secret: 'whsec_secret-of?' }, `secret is not valid, expected ${secret}`],
    [{ secret: `whsk_${btoa('secret-of')}` }, `secret is not valid, expected ${secret}`],
    [{ secret: 5 }, `secret is a number, expected ${secret}`],
    [
      { secret: `whsec_${btoa('secret-of')}`, version: 'v1a' },
      'version is v1a, expected none: the secret is v1',
    ],
    [{ overlapHours: -1 }, 'overlapHours is -1, expected a number of hours from 0 to 720'],
    [{ overlapHours: 721 }, 'overlapHours is 721, expected a number of hours from 0 to 720'],
    [{ overlapHours: '24' }, 'overlapHours is "24", expected a number of hours from 0 to 720'],
    [{ overlapHour: 1 }, 'overlapHour is not a known field, did you mean overlapHours?'],
    [{ reason: '' }, 'reason is "", expected a text of 1 to 500 characters'],
  ])('%j is refused, and the key stays', async (given, message) => {
    const before = await made('v1')
    const answer = await server.send('POST', '/agents/recruiter/signing-secret', given)
    expect(errorOf(answer)).toEqual([400, 'invalid_request', itself(message)])
    expect(answer.text).not.toContain('secret-of')
    expect(answer.text).not.toContain(btoa('secret-of'))
    expect(isVerified(await sent(), before)).toBe(true)
  })

  test('is for a webhook alone', async () => {
    await server.agent({ webhook: null })
    expect(errorOf(await server.send('POST', '/agents/recruiter/signing-secret', {}))).toEqual([
      409,
      'conflict',
      'This agent has no webhook that could be signed',
    ])
  })
})

test('another HOOKSWITCH_SECRET_KEY is said where the secrets are needed, and new ones can be set with it', async () => {
  await server.agent({ webhook: { url: peer.url, authSecret: 'secret-of-before', signing: 'v1' } })
  await server.store.close()
  const { folder } = server
  const other = await startApiServer({ folder, secretKey: 'another key', startsAt: Date.now() })
  try {
    const post = (method: string, path: string, body: unknown) =>
      other.ask(path, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const { body: shown } = await other.ask('/agents/recruiter')
    expect(shown).toMatchObject({ webhook: { url: peer.url, signing: null, secrets: null } })
    const { body: tested } = await post('POST', '/agents/recruiter/test', { events: ['call.ended'] })
    expect(tested).toMatchObject({ ok: false, results: [{ ok: false }] })
    expect(JSON.stringify(tested)).toMatch(/It was not sent: .*HOOKSWITCH_SECRET_KEY/)
    const refusal = [
      409,
      'conflict',
      'The webhook of this agent cannot be changed: its secrets cannot be read with this HOOKSWITCH_SECRET_KEY; start with the key that they were stored with, or set them anew, with PATCH /agents/recruiter (webhook.authSecret and webhook.signing; null is none)',
    ]
    expect(errorOf(await post('PATCH', '/agents/recruiter', { webhook: { authKey: 'Token' } }))).toEqual(
      refusal,
    )
    expect(errorOf(await post('PATCH', '/agents/recruiter', shown))).toEqual(refusal)
    expect(errorOf(await post('POST', '/agents/recruiter/signing-secret', {}))).toEqual(refusal)
    expect((await post('PATCH', '/agents/recruiter', { name: 'R' })).body).toMatchObject({ name: 'R' })
    const none = { authSecret: null, signing: null }
    expect((await post('PATCH', '/agents/recruiter', { webhook: none })).body).toMatchObject({
      webhook: { secrets: [], signing: [] },
    })
    const anew = { authSecret: 'secret-of-now', signing: 'v1' }
    expect((await post('PATCH', '/agents/recruiter', { webhook: anew })).body).toMatchObject({
      webhook: { secrets: ['authSecret', 'signingSecrets'], signing: [{ version: 'v1' }] },
    })
  } finally {
    await other.close()
    await server.close()
    server = await startAgentServer()
  }
})
