import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startApiServer } from './api-server.ts'
import { added, crm, receive, secretsBeginWith, startConfiguredServer } from './configured-server.ts'
import { errorOf, type DeliveryServer } from './delivery-server.ts'

// What is done with destinations over HTTP, and who did it, on the real store.

let server: DeliveryServer
beforeEach(async () => {
  server = await startConfiguredServer()
})
afterEach(async () => {
  expect(JSON.stringify(server.logged)).not.toContain(secretsBeginWith)
  await server.close()
})

describe('destinations of the config file', () => {
  test('are shown like the others, with functions as such and secrets by name', async () => {
    const [webhookOne, own] = await server.itemsOf('/destinations')
    expect(webhookOne).toMatchObject({
      name: 'from-config',
      origin: 'config',
      filter: { function: true },
      secrets: ['authSecret'],
      settings: { url: 'https://192.0.2.1/hook' },
    })
    expect(own).toMatchObject({ name: 'own-code', kind: 'handler', secrets: [] })
  })

  test('are changed and removed in the file only', async () => {
    for (const answer of [
      await server.send('PATCH', '/destinations/from-config', { onExhausted: 'park' }),
      await server.send('DELETE', '/destinations/from-config'),
    ]) {
      expect(errorOf(answer)).toEqual([
        409,
        'conflict',
        'This destination is set in the config file; change it there',
      ])
    }
  })

  test('can be paused and resumed', async () => {
    expect((await server.send('POST', '/destinations/from-config/pause')).body).toMatchObject({
      state: { state: 'held', reason: 'paused' },
    })
    expect((await server.send('POST', '/destinations/from-config/resume')).body).toMatchObject({
      state: { state: 'active' },
    })
  })

  test('one that is not in the file any more can only be removed', async () => {
    const { id } = (await server.ask('/destinations/own-code')).body
    await server.store.holdDestination(String(id), { reason: 'removed', until: null, detail: null })
    for (const act of ['pause', 'resume', 'test']) {
      expect(errorOf(await server.send('POST', `/destinations/own-code/${act}`))).toEqual([
        409,
        'conflict',
        'This destination is not in the config file any more; put it back there, or remove it',
      ])
    }
    expect((await server.send('DELETE', '/destinations/own-code')).status).toBe(204)
    expect((await server.ask('/destinations/own-code')).status).toBe(404)
  })
})

describe('an act that needs no body', () => {
  const acts = [
    '/destinations/crm/pause',
    '/destinations/crm/resume',
    '/destinations/crm/test',
    '/deliveries/dlv_1/retry',
    '/lanes/lane_1/resume',
    '/lanes/lane_1/skip',
    '/deliveries/dlv_2/skip',
    '/replays/rpl_1/cancel',
  ]

  test.each(['application/json', 'application/x-www-form-urlencoded', 'text/plain'])(
    'is done with an empty body of the type %s - clients name one with every POST',
    async (type) => {
      await added(server)
      await server.routed('call_1', 'call.ended', 'call.ended')
      await server.send('POST', '/replays', { destination: 'crm', filter: {} })
      for (const path of acts) {
        const headers = { 'content-type': type }
        const answer = await server.ask(path, { method: 'POST', headers, body: '' })
        expect(answer.status, `${path}: ${answer.text}`).toBe(200)
      }
    },
  )

  test('what needs a body says what is missing in an empty one', async () => {
    const headers = { 'content-type': 'application/json' }
    for (const path of ['/destinations', '/replays', '/erase']) {
      const answer = await server.ask(path, { method: 'POST', headers, body: '' })
      expect(errorOf(answer)).toEqual([400, 'invalid_request', expect.stringMatching(/expected/)])
    }
  })

  test('a form that is not empty is refused', async () => {
    await added(server)
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await server.ask('/destinations/crm/pause', { method: 'POST', headers, body: 'reason=x' })
    expect(answer.status).toBe(415)
  })
})

describe('pausing and resuming', () => {
  test('both may be asked for twice', async () => {
    await added(server)
    for (const _ of [1, 2]) {
      const { status, body } = await server.send('POST', '/destinations/crm/pause', { reason: 'maintenance' })
      expect(status).toBe(200)
      expect(body['state']).toEqual({
        state: 'held',
        reason: 'paused',
        since: '2026-06-01T00:00:00.000Z',
        until: null,
        detail: 'maintenance',
      })
    }
    for (const _ of [1, 2]) {
      const { status, body } = await server.send('POST', '/destinations/crm/resume')
      expect([status, body['state']]).toEqual([200, { state: 'active' }])
    }
  })

  test.each([
    [{ reson: 'x' }, 'reson is not a known field, did you mean reason?'],
    [{ reason: 'x'.repeat(501) }, /^reason is "x+…, expected a text of 1 to 500 characters$/],
    [[], 'the body is a list, expected an object'],
  ])('%j is refused', async (given, message) => {
    await added(server)
    expect(errorOf(await server.send('POST', '/destinations/crm/pause', given))).toEqual([
      400,
      'invalid_request',
      typeof message === 'string' ? message : expect.stringMatching(message),
    ])
    expect((await server.ask('/destinations/crm')).body['state']).toEqual({ state: 'active' })
  })

  test('what is not there is not found', async () => {
    for (const [method, path] of [
      ['GET', '/destinations/none'],
      ['PATCH', '/destinations/none'],
      ['DELETE', '/destinations/none'],
      ['POST', '/destinations/none/pause'],
      ['POST', '/destinations/none/test'],
    ] as const) {
      expect(errorOf(await server.send(method, path, method === 'PATCH' ? {} : undefined))).toEqual([
        404,
        'not_found',
        'No destination has this id or name',
      ])
    }
  })
})

describe('a test', () => {
  test('says what came of it, and shows no secret', async () => {
    await added(server)
    const { status, body, text } = await receive(server, 204, () =>
      server.send('POST', '/destinations/crm/test'),
    )
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ok: true,
      attempt: { verdict: 'delivered', status: 204, startedAt: '2026-06-01T00:00:00.000Z', durationMs: 1 },
    })
    expect(text).not.toContain('secret-of')
  })

  test('one that fails is an answer like any other', async () => {
    await added(server)
    const { status, body } = await receive(server, 503, () => server.send('POST', '/destinations/crm/test'))
    expect(status).toBe(200)
    expect(body).toMatchObject({ ok: false, attempt: { verdict: 'retry', status: 503 } })
  })
})

describe('another HOOKSWITCH_SECRET_KEY', () => {
  test('is said where the secrets are needed, and new secrets can be set with it', async () => {
    await added(server)
    await server.store.close()
    const other = await startApiServer({ folder: server.folder, secretKey: 'another key' })
    try {
      const { body } = await other.ask('/destinations/crm')
      expect(body).toMatchObject({ name: 'crm', secrets: null })
      const patch = (change: unknown) =>
        other.ask('/destinations/crm', {
          method: 'PATCH',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(change),
        })
      const [status, code, text] = errorOf(await patch({ settings: { authSecret: 'secret-of-now' } }))
      expect([status, code]).toEqual([409, 'conflict'])
      expect(text).toMatch(
        /HOOKSWITCH_SECRET_KEY.*settings\.authSecret, settings\.headers, settings\.signingSecrets/,
      )
      const none = { authKey: null, authSecret: null, headers: null, signingSecrets: null }
      expect((await patch({ settings: none })).body).toMatchObject({ secrets: [] })
      expect((await patch({ settings: { authSecret: 'secret-of-now' } })).body).toMatchObject({
        secrets: ['authSecret'],
      })
    } finally {
      await other.close()
      await server.close()
      server = await startConfiguredServer()
    }
  })
})

test('the kinds are listed with what they need', async () => {
  const kinds = await server.itemsOf('/destination-kinds')
  expect(kinds.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['webhook', 'handler', 'slack', 'email']),
  )
  const found = kinds.find(({ name }) => name === 'webhook')
  expect(found).toMatchObject({
    title: 'Webhook',
    help: expect.any(String) as string,
    configOnly: false,
    secrets: ['authSecret', 'headers', 'signingSecrets'],
    settings: { type: 'object', properties: { url: { type: 'string' } }, required: ['url'] },
  })
  expect(kinds.find(({ name }) => name === 'handler')).toMatchObject({ configOnly: true, template: null })
})

describe('the log of acts', () => {
  test('has who, what, when and why, newest first, and no secret', async () => {
    const { id } = await added(server, { reason: 'the new CRM' })
    server.advance(1_000)
    const as = { 'hookswitch-actor': 'amal@example.com' }
    await server.send(
      'PATCH',
      '/destinations/crm',
      { settings: { authSecret: 'secret-of-later' }, lane: 'none' },
      as,
    )
    await server.send('POST', '/destinations/crm/pause', { reason: 'maintenance' }, as)
    await server.send('POST', '/destinations/crm/resume')
    await server.send('DELETE', '/destinations/crm?reason=moved')
    const { text } = await server.ask('/audit')
    expect(text).not.toContain('secret-of')
    const acts = await server.itemsOf('/audit')
    expect(acts.map(({ action, actor, reason }) => [action, actor, reason])).toEqual([
      ['destination.delete', 'admin', 'moved'],
      ['destination.resume', 'admin', null],
      ['destination.pause', 'amal@example.com', 'maintenance'],
      ['destination.update', 'amal@example.com', null],
      ['destination.create', 'admin', 'the new CRM'],
    ])
    expect(acts[3]).toEqual({
      at: '2026-06-01T00:00:01.000Z',
      actor: 'amal@example.com',
      action: 'destination.update',
      target: id,
      reason: null,
      detail: { fields: ['settings.authSecret', 'lane'] },
    })
    const { body } = await server.ask('/audit?limit=2')
    const { body: next } = await server.ask(`/audit?limit=200&cursor=${String(body['nextCursor'])}`)
    expect([body['items'], next['items']].flat()).toEqual(acts)
  })

  test('what was refused is not in it', async () => {
    await server.send('POST', '/destinations', { ...crm, name: 'from-config' })
    await server.send('DELETE', '/destinations/from-config')
    await server.send('POST', '/destinations/none/pause')
    expect(await server.itemsOf('/audit')).toEqual([])
  })

  test.each(['', 'x'.repeat(101)])('"%s" is no actor', async (actor) => {
    await added(server)
    const answer = await server.send('POST', '/destinations/crm/pause', undefined, {
      'hookswitch-actor': actor,
    })
    expect(errorOf(answer)).toEqual([
      400,
      'invalid_request',
      expect.stringMatching(/^hookswitch-actor is ".*expected a name of 1 to 100 printable ASCII characters/),
    ])
  })
})
