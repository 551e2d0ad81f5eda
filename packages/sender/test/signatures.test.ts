// Our signatures, verified by libraries that are not ours.
import { createPublicKey, verify } from 'node:crypto'
import { startPeer, type PeerRequest } from '@hookswitch/testkit/destination-contract'
import { verifyWebhook } from '@hookswitch/events'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { describe, expect, test } from 'vitest'
import { createSender, generateSigningSecret, publicKeyOf, sign } from '../src/index.ts'
import { sampleCall } from './sample-call.ts'

/** What an endpoint gets of every type of event. */
async function received(signingSecrets: string[]): Promise<PeerRequest[]> {
  const peer = await startPeer((_request, response) => response.writeHead(204).end())
  try {
    const sender = createSender({ url: peer.url, allowHttp: true, signingSecrets })
    for (const event of sampleCall())
      expect(await sender.send(event)).toMatchObject({ ok: true, status: 204 })
    return [...peer.requests]
  } finally {
    await peer.close()
  }
}

function tampered(body: Buffer): Buffer {
  return Buffer.from(String(body).replace('Recruiter', 'recruiter'))
}

/** The signatures of one version, without its name. */
function signaturesOf({ headers }: PeerRequest, version: string): Buffer[] {
  return (headers['webhook-signature'] ?? '')
    .split(' ')
    .filter((signature) => signature.startsWith(`${version},`))
    .map((signature) => Buffer.from(signature.slice(version.length + 1), 'base64'))
}

const libraries = [
  { library: 'standardwebhooks', verifierOf: (secret: string) => new StandardWebhook(secret) },
  { library: 'svix', verifierOf: (secret: string) => new SvixWebhook(secret) },
]

describe.each(libraries)('$library', ({ verifierOf }) => {
  test('verifies what is signed with whsec_…, and refuses a body that was changed', async () => {
    const { secret } = await generateSigningSecret('v1')
    const other = await generateSigningSecret('v1')
    for (const { headers, body } of await received([secret])) {
      expect(() => verifierOf(secret).verify(body, headers)).not.toThrow()
      expect(() => verifierOf(secret).verify(tampered(body), headers)).toThrow('No matching signature')
      expect(() => verifierOf(secret).verify(body, { ...headers, 'webhook-id': 'evt_other' })).toThrow(
        'No matching signature',
      )
      expect(() => verifierOf(other.secret).verify(body, headers)).toThrow('No matching signature')
    }
  })

  test('verifies with the old and with the new secret while one replaces the other, beside an ed25519 key', async () => {
    const [next, current, asymmetric] = [
      await generateSigningSecret('v1'),
      await generateSigningSecret('v1'),
      await generateSigningSecret('v1a'),
    ]
    for (const { headers, body } of await received([next.secret, asymmetric.secret, current.secret])) {
      for (const { secret } of [next, current]) {
        expect(() => verifierOf(secret).verify(body, headers)).not.toThrow()
      }
    }
  })
})

test('node:crypto verifies what is signed with whsk_…, by the whpk_… that belongs to it', async () => {
  const { secret, publicKey } = await generateSigningSecret('v1a')
  const x = Buffer.from(publicKey?.slice('whpk_'.length) ?? '', 'base64').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  for (const request of await received([secret])) {
    const { headers, body } = request
    const content = (bytes: Buffer): Buffer =>
      Buffer.concat([Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`), bytes])
    const [signature = Buffer.alloc(0), ...more] = signaturesOf(request, 'v1a')
    expect(more).toEqual([])
    expect(verify(null, content(body), key, signature)).toBe(true)
    expect(verify(null, content(tampered(body)), key, signature)).toBe(false)
    const ours = {
      id: headers['webhook-id'],
      timestamp: headers['webhook-timestamp'],
      signature: headers['webhook-signature'],
      secrets: [publicKey ?? ''],
      nowMs: Date.now(),
    }
    expect(await verifyWebhook({ ...ours, body })).toMatchObject({ ok: true, id: headers['webhook-id'] })
    expect(await verifyWebhook({ ...ours, body: tampered(body) })).toEqual({
      ok: false,
      reason: 'no_matching_signature',
    })
  }
})

// The vectors of Standard Webhooks' own libraries.
const vector = {
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  nowMs: 1614265330_000,
  body: new TextEncoder().encode('{"test": 2432232314}'),
}
const vectors = [
  {
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    publicKey: null,
    signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  },
  {
    secret: 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==',
    publicKey: 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=',
    signature: 'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
  },
]

test('signs the vectors of the specification, and knows the public keys', async () => {
  for (const { secret, publicKey, signature } of vectors) {
    expect(await sign({ ...vector, secrets: [secret] })).toEqual({
      'webhook-id': vector.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': signature,
    })
    expect(publicKeyOf(secret)).toBe(publicKey)
  }
})
