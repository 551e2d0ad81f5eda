import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { now, startApiServer, type Answer, type ApiServer } from '../../test/api-server.ts'

let server: ApiServer
beforeEach(async () => {
  server = await startApiServer({ config: { sources: { hamsa: { secrets: ['config-secret'] }, other: {} } } })
})
afterEach(() => server.close())

function add(source: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  return server.ask(`/sources/${source}/secrets`, { method: 'POST', headers, body: JSON.stringify(body) })
}

const isValid = (source: string, secret: unknown): boolean =>
  server.keyring.check(source, `Bearer ${String(secret)}`, now).ok

describe('adding a secret', () => {
  test('one that is made here is shown once, is valid at once, and is stored as a hash', async () => {
    const { status, body } = await add('other', { label: 'spring' })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.stringMatching(/^sec_/) as string,
      source: 'other',
      label: 'spring',
      origin: 'api',
      createdAt: '2026-06-01T00:00:00.000Z',
      expiresAt: null,
      lastUsedAt: null,
      ageDays: 0,
      secret: expect.stringMatching(/^whk_[\w-]{43}$/) as string,
    })
    expect(isValid('other', body['secret'])).toBe(true)
    expect(isValid('hamsa', body['secret'])).toBe(false)
    const { text } = await server.ask('/sources/other/secrets')
    expect(text).toContain(String(body['id']))
    expect(text).not.toContain(String(body['secret']))
    expect(JSON.stringify(await server.store.listSecrets())).not.toContain(String(body['secret']))
    expect(JSON.stringify(server.logged)).not.toContain(String(body['secret']))
  })

  test('without a body it is made with nothing more said', async () => {
    const { status } = await server.ask('/sources/other/secrets', { method: 'POST' })
    expect(status).toBe(201)
  })

  test('a given one is not shown back, also when it came with its scheme', async () => {
    const { body } = await add('other', { secret: 'Bearer given-secret', expiresAt: '2026-06-02T00:00:00Z' })
    expect(body).not.toHaveProperty('secret')
    expect(body).toMatchObject({ expiresAt: '2026-06-02T00:00:00.000Z' })
    expect(isValid('other', 'given-secret')).toBe(true)
  })

  test('rotation ends the others after the overlap, and says which it cannot end', async () => {
    const { body: first } = await add('hamsa', {})
    const { body: short } = await add('hamsa', { expiresAt: '2026-06-01T00:30:00Z' })
    const { body: next } = await add('hamsa', { rotate: true, overlapSeconds: 3600 })
    const { ended, kept } = next['rotated'] as Record<string, Record<string, unknown>[]>
    expect(ended).toEqual([
      expect.objectContaining({ id: first['id'], expiresAt: '2026-06-01T01:00:00.000Z' }),
    ])
    expect(kept?.map(({ origin }) => origin).sort()).toEqual(['config', 'environment'])
    const at = (ms: number, secret: unknown) => server.keyring.check('hamsa', String(secret), now + ms)
    expect(at(3_599_999, first['secret'])).toMatchObject({ ok: true })
    expect(at(3_600_000, first['secret'])).toEqual({ ok: false, reason: 'expired' })
    expect(at(1_800_000, short['secret'])).toEqual({ ok: false, reason: 'expired' })
    expect(at(3_600_000, next['secret'])).toMatchObject({ ok: true })
  })

  test('rotation without a stated overlap lasts a day', async () => {
    const { body: first } = await add('other', {})
    const { body } = await add('other', { rotate: true })
    expect(body['rotated']).toMatchObject({
      ended: [{ id: first['id'], expiresAt: '2026-06-02T00:00:00.000Z' }],
      kept: [],
    })
  })

  test.each([
    [{ secret: 'short' }, 'secret is not valid, expected 8 to 500 characters of printable ASCII'],
    [{ secret: 'Bearer short' }, /^secret is not valid/],
    [{ secret: 'x'.repeat(501) }, /^secret is not valid/],
    [{ secret: 'not-äscii-secret' }, /^secret is not valid/],
    [{ secret: 12345678 }, /^secret is a number/],
    [{ expiresAt: '2026-05-31T00:00:00Z' }, 'expiresAt is in the past, expected a time to come'],
    [{ expiresAt: 'soon' }, /^expiresAt is "soon", expected a time in ISO 8601/],
    [{ expiresAt: 5 }, /^expiresAt is 5, expected/],
    [{ rotate: false }, 'rotate is false, expected true, or nothing'],
    [{ overlapSeconds: 5 }, /^overlapSeconds is 5, expected .* beside "rotate": true$/],
    [{ rotate: true, overlapSeconds: -1 }, /^overlapSeconds is -1, expected a whole number/],
    [{ rotate: true, overlapSeconds: 1e9 }, /^overlapSeconds is 1000000000/],
    [{ label: 'x'.repeat(101) }, /^label is ".*…, expected a text of at most 100 characters$/],
    [{ lable: 'x' }, 'lable is not a known field, did you mean label?'],
    [[], 'the body is a list, expected an object'],
    ['text', 'the body is "text", expected an object'],
  ])('%j is refused', async (given, message) => {
    const { status, body, text } = await add('other', given)
    expect(status).toBe(400)
    expect(body['code']).toBe('invalid_request')
    if (typeof message === 'string') expect(body['error']).toBe(message)
    else expect(body['error']).toMatch(message)
    expect(text).not.toMatch(/short|scii-secret|12345678/)
    expect(server.keyring.list('other')).toEqual([])
  })

  test.each([
    [{ 'content-type': 'application/json' }, '{"label":', 400, 'invalid_request'],
    [{ 'content-type': 'text/plain' }, '{}', 415, 'unsupported_media_type'],
    [{ 'content-type': 'application/json' }, `{"label":"${'x'.repeat(70_000)}"}`, 413, 'payload_too_large'],
  ])('%j with a wrong body: %s', async (headers, body, status, code) => {
    const answer = await server.ask('/sources/other/secrets', { method: 'POST', headers, body })
    expect([answer.status, answer.body['code']]).toEqual([status, code])
  })

  test('a body of unknown length is refused before it is read', async () => {
    const body = new Blob(['{}']).stream()
    const headers = { 'content-type': 'application/json' }
    const answer = await server.ask('/sources/other/secrets', {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
    })
    expect([answer.status, answer.body['code']]).toEqual([411, 'length_required'])
  })

  test('one that is there already is a conflict, by where it is', async () => {
    expect(await add('hamsa', { secret: 'config-secret' })).toMatchObject({
      status: 409,
      body: { code: 'conflict', error: 'This secret is given in the config file already' },
    })
    const { body } = await add('hamsa', { secret: 'twice-the-same' })
    const again = await add('hamsa', { secret: 'twice-the-same' })
    expect(again.status).toBe(409)
    expect(again.body['error']).toContain(String(body['id']))
  })
})

describe('listing secrets', () => {
  test('shows origin, age and last use', async () => {
    server.keyring.check('hamsa', 'Bearer environment-secret', now + 5_000)
    const { body } = await server.ask('/sources/hamsa/secrets')
    expect(body['nextCursor']).toBeNull()
    expect(body['items']).toEqual([
      expect.objectContaining({ origin: 'environment', lastUsedAt: '2026-06-01T00:00:05.000Z', ageDays: 0 }),
      expect.objectContaining({ origin: 'config', lastUsedAt: null, expiresAt: null }),
    ])
  })
})

describe('removing a secret', () => {
  test('it is not accepted from then on', async () => {
    const { body } = await add('other', {})
    const path = `/sources/other/secrets/${String(body['id'])}`
    const removed = await server.ask(path, { method: 'DELETE' })
    expect([removed.status, removed.text]).toEqual([204, ''])
    expect(isValid('other', body['secret'])).toBe(false)
    expect((await server.ask(path, { method: 'DELETE' })).status).toBe(404)
  })

  test('one that was given elsewhere says where to remove it', async () => {
    for (const [origin, place] of [
      ['environment', 'WEBHOOK_SECRET'],
      ['config', 'the config file'],
    ]) {
      const secret = server.keyring.list('hamsa').find((one) => one.origin === origin)
      const answer = await server.ask(`/sources/hamsa/secrets/${secret?.id}`, { method: 'DELETE' })
      expect(answer.status).toBe(409)
      expect(answer.body['error']).toContain(place)
    }
    expect(isValid('hamsa', 'config-secret')).toBe(true)
  })
})

test.each([
  ['GET', '/sources/none/secrets'],
  ['POST', '/sources/none/secrets'],
  ['DELETE', '/sources/none/secrets/sec_1'],
])('%s %s: an unknown source is not found', async (method, path) => {
  const { status, body } = await server.ask(path, { method })
  expect(status).toBe(404)
  expect(body).toEqual({ error: 'No source has this name', code: 'not_found' })
})
