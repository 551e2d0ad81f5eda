import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { overrideSource } from '@hookswitch/core'
import { endpointUrl, filesOf, itself, startAgentServer, type AgentServer } from './agent-server.ts'
import { delivers, errorOf, refuses } from './delivery-server.ts'

// Starting calls over HTTP, on the real store.

let server: AgentServer
beforeEach(async () => {
  server = await startAgentServer()
  await server.agent()
})
afterEach(() => server.close())

const params = { application_id: '12345', candidate_name: 'Sara', وظيفة: 'محاسب' }

describe('starting a call', () => {
  test('keeps it and publishes nothing', async () => {
    const { status, body } = await server.send('POST', '/agents/recruiter/calls', {
      params,
      to: '+12025550143',
      from: 'sip:desk@example.com',
      reason: 'the first of today',
    })
    expect([status, body]).toEqual([
      201,
      {
        callId: expect.stringMatching(/^call_[0-9a-hjkmnp-tv-z]{26}$/) as string,
        agentId: 'recruiter',
        conversationId: String(body['callId']).replace('call_', 'conv_'),
        createdAt: '2026-06-01T00:00:00.000Z',
      },
    ])
    expect(await server.itemsOf('/events')).toEqual([])
    expect(await server.itemsOf('/calls')).toEqual([])
    expect(await server.store.getStartedCall(String(body['callId']))).toMatchObject({
      params,
      to: '+12025550143',
      from: 'sip:desk@example.com',
      direction: 'outbound',
      override: null,
      sealedSecrets: null,
      version: 1,
      progress: {
        state: 'created',
        lastEventAt: null,
        collected: null,
        repeatable: [],
      },
    })
    const [entry] = await server.itemsOf('/audit')
    expect(entry).toMatchObject({
      action: 'call.start',
      target: body['callId'],
      reason: 'the first of today',
      detail: { agentId: 'recruiter', override: false },
    })
    expect(JSON.stringify(server.logged)).not.toContain('2025550143')
  })

  test.each([undefined, {}, { params: {}, to: null, from: null, webhook: null }])(
    'needs nothing but an agent: %j',
    async (given) => {
      const callId = await server.start('recruiter', given)
      expect(await server.store.getStartedCall(callId)).toMatchObject({
        params: {},
        to: null,
        from: null,
        direction: 'outbound',
        override: null,
      })
      expect((await server.publish(callId, 'call.started')).status).toBe(201)
    },
  )

  test('with a body that is not said to be JSON is refused - it would be left out unseen', async () => {
    const answer = await server.ask('/agents/recruiter/calls', {
      method: 'POST',
      body: new URLSearchParams('{"params":{"application_id":"1"}}'),
    })
    expect(answer.status).toBe(415)
  })

  test.each<[string, unknown]>([
    ['userId', '7'],
    ['user_id', 'u-7'],
    ['paid', true],
    ['grid', 5],
    ['ids', [1, 2]],
    ['salary', 80_000.5],
    ['largest', Number.MAX_SAFE_INTEGER],
    ['smallest', Number.MIN_SAFE_INTEGER],
    ['nothing', null],
    ['nested', { list: [{ of: 'objects' }] }],
    ['', undefined],
    ['p'.repeat(100), 'x'],
    ['toString', 'a name that objects have'],
    ['__proto__', 'another'],
    ['constructor', { prototype: 'x' }],
    ['emoji 👩‍💼', '👩‍💼'],
  ])('takes the param %j: %j, and echoes it as it is', async (name, value) => {
    // JSON has such a name as any other; an object literal has not.
    const given =
      value === undefined ? {} : (JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`) as object)
    const callId = await server.start('recruiter', { params: given })
    await server.publish(callId, 'call.started')
    await server.publish(callId, 'call.ended')
    const texts = await Promise.all(
      (await server.itemsOf(`/events?callId=${callId}`)).map(
        async ({ id }) => (await server.ask(`/events/${String(id)}/raw`)).text,
      ),
    )
    expect(texts[0]).toContain(`"params":${JSON.stringify(given)}`)
    expect(texts[1]).toContain(`"outcomeResult":${JSON.stringify(given)}`)
  })

  const identifier = 'expected a text: an identifier is compared as text where it comes back'
  const number = 'a phone number such as +12025550143, or an address such as sip:agent@example.com'

  test.each<[Record<string, unknown>, string | RegExp]>([
    [{ params: { application_id: 12345 } }, `params.application_id is a number, ${identifier}`],
    [{ params: { applicationId: null } }, `params.applicationId is null, ${identifier}`],
    [{ params: { id: { value: 'secret-of' } } }, `params.id is an object, ${identifier}`],
    [{ params: { 'user-id': ['secret-of'] } }, `params["user-id"] is a list, ${identifier}`],
    [{ params: { UUID: true } }, `params.UUID is a boolean, ${identifier}`],
    [{ params: { orderGUID: 5 } }, `params.orderGUID is a number, ${identifier}`],
    [{ params: 'secret-of' }, 'params is a text, expected an object: values by name of the param'],
    [{ params: 7 }, 'params is a number, expected an object: values by name of the param'],
    [{ params: ['secret-of'] }, 'params is a list, expected an object: values by name of the param'],
    [{ params: null }, 'params is null, expected an object: values by name of the param'],
    [
      { params: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`p${at}`, at])) },
      'params has 101 params, expected at most 100',
    ],
    [{ params: { text: 'x'.repeat(32 * 1024) } }, 'params has 32779 bytes of JSON, expected at most 32768'],
    [{ params: { text: 'ع'.repeat(16 * 1024) } }, 'params has 32779 bytes of JSON, expected at most 32768'],
    [
      { params: { '': 'secret-of' } },
      'params[""] is not a valid name, expected a name of 1 to 100 characters without control characters',
    ],
    [
      { params: { 'a\tb': 'secret-of' } },
      'params["a\\tb"] is not a valid name, expected a name of 1 to 100 characters without control characters',
    ],
    [
      { params: { ['p'.repeat(101)]: 'secret-of' } },
      /^params\.p+ is not a valid name, expected a name of 1 to 100 characters/,
    ],
    [
      { params: { big: 2 ** 53 } },
      'params.big is a number beyond 2^53, whose last digits are lost, expected it as a text',
    ],
    [
      { params: { big: [{ deep: -(2 ** 60) }] } },
      'params.big[0].deep is a number beyond 2^53, whose last digits are lost, expected it as a text',
    ],
    [{ params: { list: lists(64) } }, 'params is nested deeper than 64 levels'],
    [{ to: '12025550143' }, `to is not valid, expected ${number}`],
    [{ to: '+0123456' }, `to is not valid, expected ${number}`],
    [{ to: '+1 202 555 0143' }, `to is not valid, expected ${number}`],
    [{ to: 12025550143 }, `to is a number, expected ${number}`],
    [{ from: 'sip:' }, `from is not valid, expected ${number}`],
    [{ from: `sip:${'a'.repeat(201)}` }, `from is not valid, expected ${number}`],
    [{ from: ['+12025550143'] }, `from is a list, expected ${number}`],
    [{ direction: 'out' }, 'direction is "out", expected outbound or inbound'],
    [{ direction: null }, 'direction is null, expected outbound or inbound'],
    [{ param: {} }, 'param is not a known field, did you mean params?'],
    [{ callId: 'call_1' }, /^callId is not a known field, /],
    [{ reason: '' }, 'reason is "", expected a text of 1 to 500 characters'],
    [{ webhook: 'secret-of' }, 'webhook is a text, expected an object'],
    [{ webhook: {} }, 'webhook.url is missing, expected a URL such as https://example.com/hook'],
    [
      { webhook: { url: 'secret' } },
      'webhook.url is "secret", expected a URL such as https://example.com/hook',
    ],
    [
      { webhook: { url: `${endpointUrl}?…` } },
      'webhook.url ends with ?…, which stands for a query that is not shown; give the URL whole',
    ],
    [
      { webhook: { url: endpointUrl, authKey: 'Bearer' } },
      'webhook.authSecret is missing, expected the secret that goes with authKey',
    ],
    [
      { webhook: { url: endpointUrl, authSecret: 'secret-of\n' } },
      'webhook.authSecret is not valid, expected a text of printable ASCII characters',
    ],
    [
      { webhook: { url: endpointUrl, authKey: 5, authSecret: 'secret-of' } },
      'webhook.authKey is 5, expected a text of printable ASCII characters',
    ],
    [
      { webhook: { url: endpointUrl, events: [] } },
      'webhook.events is a list, expected at least one event type, or nothing for all',
    ],
    [
      { webhook: { url: endpointUrl, events: 'call.ended' } },
      'webhook.events is "call.ended", expected a list of event types',
    ],
    [
      { webhook: { url: endpointUrl, retry: { preset: 'guide' } } },
      'webhook.retry is not a known field, expected one of url, authKey, authSecret, events',
    ],
    [
      { webhook: { url: 'http://93.184.216.34/' } },
      /^webhook\.url leads to 93\.184\.216\.34.* by plain http/,
    ],
    [
      { webhook: { url: 'https://169.254.169.254/latest' } },
      'webhook.url leads to 169.254.169.254 (cloud metadata), where deliveries go only if HOOKSWITCH_EGRESS_ALLOW says so',
    ],
    [{ webhook: { url: 'https://192.168.1.1/' } }, /^webhook\.url leads to 192\.168\.1\.1 \(/],
    [{ webhook: { url: 'https://[fd00::1]/' } }, /^webhook\.url leads to fd00::1 \(/],
    [{ webhook: { url: 'https://2130706433@10.0.0.1/' } }, /^webhook\.url /],
  ])('%j is refused, and nothing is started', async (given, message) => {
    const { status, body, text } = await server.send('POST', '/agents/recruiter/calls', given)
    expect([status, body['code'], body['error']]).toEqual([400, 'invalid_request', itself(message)])
    expect(text).not.toContain('secret-of')
    expect(text.replaceAll(number, '')).not.toMatch(/2025550143|202 555/)
    expect((await server.itemsOf('/audit')).map(({ action }) => action)).not.toContain('call.start')
    expect(await server.store.listDestinations()).toHaveLength(1)
  })

  test('nesting that no stack would bear is refused as well', async () => {
    const deep = `{"params":{"list":${'['.repeat(25_000)}${']'.repeat(25_000)}}}`
    const answer = await server.ask('/agents/recruiter/calls', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: deep,
    })
    expect(errorOf(answer)).toEqual([400, 'invalid_request', 'params is nested deeper than 64 levels'])
  })
})

describe('a call with a webhook of its own', () => {
  const webhook = {
    url: `${endpointUrl}/of-this-call?key=1`,
    authKey: 'Bearer',
    authSecret: 'secret-of-the-call',
  }
  const name = overrideSource('127.0.0.1:9')

  test('has its events sent there and not to the agent, and its secret is nowhere', async () => {
    const callId = await server.start('recruiter', { webhook: { ...webhook, events: ['call_end'] } })
    await server.publish(callId, 'call.started')
    await server.fold()
    expect(await server.deliveriesOf(name)).toEqual([['call.started', 'pending']])
    expect(await server.deliveriesOf('agent:recruiter')).toEqual([])
    expect((await server.ask(`/destinations/${encodeURIComponent(name)}`)).body).toMatchObject({
      name,
      kind: 'call-webhook',
      origin: 'agent',
      lane: 'call',
      onExhausted: 'park',
      scope: { sources: [name] },
      settings: {},
      secrets: [],
    })
    expect(await server.store.getStartedCall(callId)).toMatchObject({
      override: { url: webhook.url, authKey: 'Bearer', events: ['call.ended'] },
    })
    expect(await filesOf(server.folder)).not.toContain('secret-of-the-call')
    for (const path of [
      `/calls/${callId}`,
      '/destinations',
      '/deliveries',
      '/audit',
      `/calls/${callId}/events`,
    ]) {
      expect((await server.ask(path)).text).not.toMatch(/secret-of|key=1/)
    }
    expect((await server.itemsOf('/audit'))[0]).toMatchObject({ detail: { override: true } })
  })

  test('shares a destination with the others of its host, and is parked for itself', async () => {
    const one = await server.start('recruiter', { webhook })
    const other = await server.start('recruiter', { webhook: { url: endpointUrl } })
    const elsewhere = await server.start('recruiter', { webhook: { url: 'http://127.0.0.2:9/' } })
    for (const callId of [one, other, elsewhere]) await server.publish(callId, 'call.started')
    await server.fold()
    const names = (await server.itemsOf('/destinations')).map((destination) => destination['name'])
    expect(names).toEqual(['agent:recruiter', name, overrideSource('127.0.0.2:9')])
    let asked = 0
    await server.deliver(() => (asked++ === 0 ? refuses() : delivers()))
    expect(await server.itemsOf('/lanes?state=parked')).toHaveLength(1)
    expect((await server.ask(`/destinations/${encodeURIComponent(name)}`)).body).toMatchObject({
      state: { state: 'active' },
    })
  })

  test('is set with the call alone, and its destination is paused and resumed like any other', async () => {
    await server.start('recruiter', { webhook })
    const path = `/destinations/${encodeURIComponent(name)}`
    expect(errorOf(await server.send('PATCH', path, { limits: { concurrency: 1 } }))).toEqual([
      409,
      'conflict',
      'This destination is what calls have as their own webhook; there is nothing to change here',
    ])
    expect((await server.send('POST', `${path}/pause`)).body).toMatchObject({ state: { reason: 'paused' } })
    expect((await server.send('POST', `${path}/resume`)).body).toMatchObject({ state: { state: 'active' } })
    expect((await server.send('DELETE', path)).status).toBe(204)
  })

  test('is at one of so many hosts; one that was not used for long makes way', async () => {
    await server.start('recruiter', { webhook })
    const [, known] = await server.store.listDestinations()
    if (known === undefined) throw new Error('the host has no destination')
    const list = server.store.listDestinations.bind(server.store)
    const others = Array.from({ length: 999 }, (_, at) => ({
      ...known,
      id: `dst_${at}`,
      definition: { ...known.definition, name: overrideSource(`host-${at}.example`) },
    }))
    server.store.listDestinations = async (query) => [
      ...(await list(query)),
      ...(query === undefined ? others : []),
    ]
    await server.start('recruiter', { webhook })
    const another = { webhook: { url: 'http://127.0.0.3:9/' } }
    expect(errorOf(await server.send('POST', '/agents/recruiter/calls', another))).toEqual([
      409,
      'conflict',
      'Calls have their own webhooks at 1000 hosts already, and deliveries were made to all of them of late',
    ])
    server.advance(7 * 24 * 3_600_000)
    await server.start('recruiter', another)
    const names = (await list()).map(({ definition }) => definition.name)
    expect(names).toEqual(['agent:recruiter', overrideSource('127.0.0.3:9')])
  })

  test('that is asked for by many at once has its destination made once', async () => {
    const asked = Array.from({ length: 10 }, () => server.start('recruiter', { webhook }))
    expect(new Set(await Promise.all(asked)).size).toBe(10)
    expect(await server.store.listDestinations()).toHaveLength(2)
  })
})

function lists(levels: number): unknown {
  let value: unknown = 'x'
  for (let level = 0; level < levels; level += 1) value = [value]
  return value
}
