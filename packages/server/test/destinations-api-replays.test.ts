import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { now } from './api-server.ts'
import {
  delivers,
  errorOf,
  fails,
  refuses,
  startDeliveryServer,
  type DeliveryServer,
} from './delivery-server.ts'

// Replays and erasure over HTTP, on the real store.

let server: DeliveryServer
beforeEach(async () => {
  server = await startDeliveryServer()
})
afterEach(() => server.close())

describe('replays', () => {
  async function started(filter: object, destination = 'crm'): Promise<Record<string, unknown>> {
    const { status, body, text } = await server.send('POST', '/replays', {
      destination,
      filter,
      reason: 'new CRM',
    })
    expect(status, text).toBe(202)
    return body
  }

  test('one begins with how many events match, and says how far it is', async () => {
    const id = await server.add('crm', { events: ['call.ended'] })
    await server.routed('call_1', 'call.started', 'call.ended')
    await server.routed('call_2', 'call.ended')
    await server.deliver(delivers)
    expect(await started({ callId: 'call_1' })).toEqual({ id: 'rpl_1', total: expect.any(Number) as number })
    const { body } = await server.ask('/replays/rpl_1')
    expect(body).toEqual({
      id: 'rpl_1',
      destination: { id, name: 'crm' },
      filter: { callId: 'call_1' },
      total: expect.any(Number) as number,
      made: 0,
      state: 'running',
      createdAt: '2026-06-01T00:00:00.000Z',
      finishedAt: null,
    })
    expect(await server.itemsOf('/replays')).toEqual([body])
    expect((await server.itemsOf('/audit'))[0]).toMatchObject({
      action: 'replay.create',
      target: 'rpl_1',
      reason: 'new CRM',
      detail: { destination: id },
    })
  })

  test('all that the filter says must hold', async () => {
    await server.add('crm')
    const [, dead] = await server.routed('call_1', 'call.started', 'call.ended')
    await server.routed('call_2', 'call.ended')
    while ((await server.deliver((type) => (type === 'call.ended' ? refuses() : delivers()))) > 0);
    const total = async (filter: object) => (await started(filter))['total']
    expect(await total({})).toBe(3)
    expect(await total({ type: 'call.ended' })).toBe(2)
    expect(await total({ state: 'dead' })).toBe(2)
    expect(await total({ state: 'dead', callId: 'call_1' })).toBe(1)
    expect(await total({ eventIds: [dead] })).toBe(1)
    expect(await total({ source: 'none' })).toBe(0)
    expect(await total({ from: '2026-06-01T00:00:00Z', to: '2026-06-01T00:00:00.001Z' })).toBe(3)
    expect(await total({ to: '2026-06-01T00:00:00Z' })).toBe(0)
    // In every form that events themselves, or the parameters of a list, have.
    expect(await total({ type: 'call_end' })).toBe(2)
    expect(await total({ from: now, to: String(now + 1) })).toBe(3)
    expect(await total({ to: now })).toBe(0)
    const { body } = await server.ask('/replays?limit=2')
    expect(body['items']).toMatchObject([{ filter: { to: '2026-06-01T00:00:00.000Z' } }, {}])
    expect((await server.ask('/replays/rpl_9')).body['filter']).toEqual({ type: 'call.ended' })
    expect(await server.itemsOf(`/replays?cursor=${String(body['nextCursor'])}`)).toHaveLength(9)
  })

  test('one of too many events is refused with their number, and nothing is made', async () => {
    await server.add('crm')
    await server.routed('call_1', 'call.started', 'call.ended')
    const { store } = server
    const matchReplay = store.matchReplay.bind(store)
    // The limit of the API would take minutes to reach.
    store.matchReplay = (replay) => matchReplay({ ...replay, totalMax: replay.totalMax / 100_000 })
    expect(errorOf(await server.send('POST', '/replays', { destination: 'crm', filter: {} }))).toEqual([
      400,
      'invalid_request',
      'filter matches 2 events, expected at most 100000; narrow it, by time for example',
    ])
    expect(await server.itemsOf('/replays')).toEqual([])
  })

  test('one is cancelled once, and stays so', async () => {
    await server.add('crm')
    await server.routed('call_1', 'call.ended')
    await started({})
    for (const _ of [1, 2]) {
      const { status, body } = await server.send('POST', '/replays/rpl_1/cancel', { reason: 'wrong one' })
      expect([status, body['state'], body['finishedAt']]).toEqual([
        200,
        'cancelled',
        '2026-06-01T00:00:00.000Z',
      ])
    }
    const acts = await server.itemsOf('/audit')
    expect(acts.filter(({ action }) => action === 'replay.cancel')).toHaveLength(1)
    for (const answer of [
      await server.ask('/replays/rpl_9'),
      await server.send('POST', '/replays/rpl_9/cancel'),
    ]) {
      expect(errorOf(answer)).toEqual([404, 'not_found', 'No replay has this id'])
    }
  })

  test.each<[unknown, number, string | RegExp]>([
    [
      {},
      400,
      /^destination is missing, .*; filter is missing, expected an object; \{\} replays every event$/,
    ],
    [{ destination: 'crm' }, 400, /^filter is missing/],
    [{ destination: 'none', filter: {} }, 404, 'No destination has this id or name'],
    [
      { destination: 'crm', filter: { typ: 'x' } },
      400,
      'filter.typ is not a known field, did you mean type?',
    ],
    [
      { destination: 'crm', filter: { from: 'today' } },
      400,
      /^filter\.from is "today", expected a time in ISO/,
    ],
    [
      { destination: 'crm', filter: { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' } },
      400,
      /^filter\.to is "2026-01-01T00:00:00Z", expected a time after from$/,
    ],
    [
      { destination: 'crm', filter: { eventIds: [] } },
      400,
      'filter.eventIds is a list, expected at least one id',
    ],
    [
      { destination: 'crm', filter: { eventIds: ['x'] } },
      400,
      'filter.eventIds[0] is "x", expected the id of an event, evt_…',
    ],
    [{ destination: 'crm', filter: { state: 'open' } }, 400, /^filter\.state is "open", expected pending/],
    [
      { destination: 'crm', filter: { from: 1.5 } },
      400,
      /^filter\.from is 1\.5, expected a time in ISO 8601 .* or in Unix milliseconds$/,
    ],
    [{ destination: 'crm', filter: { type: '' } }, 400, /^filter\.type is "", expected an event type/],
  ])('%j is refused', async (given, status, message) => {
    await server.add('crm')
    const answer = await server.send('POST', '/replays', given)
    expect(answer.status).toBe(status)
    expect(answer.body['error']).toEqual(
      typeof message === 'string' ? message : expect.stringMatching(message),
    )
    expect(await server.itemsOf('/replays')).toEqual([])
  })
})

describe('erasing', () => {
  beforeEach(async () => {
    await server.add('crm')
    await server.routed('call_1', 'call.started', 'call.ended')
    await server.routed('call_2', 'call.ended')
    await server.deliver(fails)
  })

  test.each<[Record<string, unknown>, string, unknown]>([
    [{ callId: 'call_1' }, 'call call_1', { calls: 1, events: 2, deliveries: 2, attempts: 1 }],
    [{ phone: '+1 (555) 0100' }, 'phone', { calls: 2, events: 3, deliveries: 3, attempts: 2 }],
    [
      { param: { name: 'application_id', value: '12345' } },
      'param application_id',
      { calls: 2, events: 3, deliveries: 3, attempts: 2 },
    ],
    [{ callId: 'none' }, 'call none', { calls: 0, events: 0, deliveries: 0, attempts: 0 }],
  ])(
    '%j removes what is known, and the log of acts keeps nothing of it',
    async (selection, target, report) => {
      const { status, body } = await server.send('POST', '/erase', { ...selection, reason: 'as she asked' })
      expect([status, body]).toEqual([200, report])
      const { text } = await server.ask('/audit')
      expect(text).not.toMatch(/0100|12345/)
      expect((await server.itemsOf('/audit'))[0]).toMatchObject({
        action: 'erase',
        target,
        reason: 'as she asked',
        detail: report,
      })
      const { body: again } = await server.send('POST', '/erase', selection)
      expect(again).toEqual({ calls: 0, events: 0, deliveries: 0, attempts: 0 })
    },
  )

  test('what was erased is nowhere any more', async () => {
    await server.send('POST', '/erase', { callId: 'call_1' })
    expect((await server.ask('/calls/call_1')).status).toBe(404)
    expect(await server.itemsOf('/events?callId=call_1')).toEqual([])
    expect(await server.itemsOf('/deliveries')).toHaveLength(1)
    expect(await server.itemsOf('/lanes')).toHaveLength(1)
  })

  test.each<[unknown, string | RegExp]>([
    [{}, 'the body is an object, expected one of callId, phone and param in it'],
    [{ callId: 'a', phone: '+15550100' }, /expected one of callId, phone and param in it$/],
    [{ phone: '0100' }, /^phone is not valid, expected a phone number of 5 to 20 digits/],
    [{ phone: 15550100 }, /^phone is a number, expected a phone number/],
    [{ param: { name: 'application_id' } }, 'param.value is missing, expected a text of 1 to 200 characters'],
    [
      { param: { name: 5, value: '12345' } },
      'param.name is a number, expected a text of 1 to 200 characters',
    ],
    [{ param: 'application_id' }, /^param is a text, expected an object with name and value$/],
    [{ callid: 'x' }, /^callid is not a known field, did you mean callId\?/],
  ])('%j is refused, and nothing is erased', async (given, message) => {
    const { status, body, text } = await server.send('POST', '/erase', given)
    expect([status, body['code']]).toEqual([400, 'invalid_request'])
    expect(body['error']).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
    expect(text).not.toMatch(/0100|12345/)
    expect(await server.itemsOf('/deliveries')).toHaveLength(3)
  })
})
