import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  delivers,
  errorOf,
  fails,
  refuses,
  startDeliveryServer,
  type DeliveryServer,
} from './delivery-server.ts'

// Deliveries and lanes over HTTP, on the real store.

let server: DeliveryServer
beforeEach(async () => {
  server = await startDeliveryServer()
})
afterEach(() => server.close())

describe('deliveries', () => {
  test('are listed newest first, with how they stand in their lanes', async () => {
    const id = await server.add('crm')
    const [first, second] = await server.routed('call_1', 'call.started', 'call.ended')
    expect(await server.itemsOf('/deliveries')).toEqual([
      {
        id: 'dlv_2',
        destination: { id, name: 'crm' },
        eventId: second,
        eventType: 'call.ended',
        callId: 'call_1',
        state: 'pending',
        reason: null,
        replay: null,
        lane: { id: 'lane_1', key: 'call:call_1', state: 'running', head: false, nextAttemptAt: null },
        createdAt: '2026-06-01T00:00:00.000Z',
        finishedAt: null,
        attempts: 0,
      },
      expect.objectContaining({
        id: 'dlv_1',
        eventId: first,
        lane: {
          id: 'lane_1',
          key: 'call:call_1',
          state: 'running',
          head: true,
          nextAttemptAt: '2026-06-01T00:00:00.000Z',
        },
      }),
    ])
  })

  test('state, destination by id or name, and call filter them', async () => {
    const id = await server.add('crm')
    await server.add('other', { events: ['call.ended'] })
    await server.routed('call_1', 'call.started')
    await server.routed('call_2', 'call.ended')
    await server.deliver((type) => (type === 'call.ended' ? delivers() : fails()))
    const found = async (query: string) =>
      (await server.itemsOf(`/deliveries?${query}`)).map((one) => one['id'])
    expect(await found('')).toEqual(['dlv_3', 'dlv_2', 'dlv_1'])
    expect(await found('state=delivered')).toHaveLength(2)
    expect(await found('state=pending')).toEqual(['dlv_1'])
    expect(await found('destination=other')).toHaveLength(1)
    expect(await found(`destination=${id}`)).toHaveLength(2)
    expect(await found(`destination=crm&callId=call_2&state=delivered`)).toHaveLength(1)
    expect(await found('callId=none')).toEqual([])
    const { body } = await server.ask('/deliveries?limit=2')
    expect(await found(`limit=2&cursor=${String(body['nextCursor'])}`)).toEqual(['dlv_1'])
  })

  test.each([
    ['state=open', 400, 'state is "open", expected pending, delivered, filtered, dead, skipped'],
    ['limit=0', 400, 'limit is "0", expected a whole number from 1 to 200'],
    ['cursor=x', 400, 'cursor is "x", expected a nextCursor of this list'],
    ['destination=none', 404, 'No destination has this id or name'],
    ['stat=dead', 400, 'stat is not a known parameter, did you mean state?'],
  ])('?%s is refused', async (query, status, text) => {
    const answer = await server.ask(`/deliveries?${query}`)
    expect([answer.status, answer.body['error']]).toEqual([status, text])
  })

  test('one is shown with its attempts', async () => {
    await server.add('crm')
    await server.routed('call_1', 'call.ended')
    await server.deliver(fails)
    const { body } = await server.ask('/deliveries/dlv_1')
    expect(body).toMatchObject({
      state: 'pending',
      reason: 'answered 503',
      lane: { head: true, nextAttemptAt: '2026-06-01T00:01:00.000Z' },
    })
    expect(body['attempts']).toEqual([
      {
        number: 1,
        startedAt: expect.any(String) as string,
        durationMs: 120,
        verdict: 'retry',
        status: 503,
        cause: null,
        message: null,
        request: {
          method: 'POST',
          url: 'http://127.0.0.1:9/',
          headers: { authorization: '…' },
          bodyBytes: 100,
          body: null,
        },
        response: { headers: {}, body: 'a word', truncated: false },
        node: 'node of the test',
      },
    ])
  })

  test('no next attempt is promised while the destination is held', async () => {
    await server.add('crm')
    await server.routed('call_1', 'call.ended')
    await server.send('POST', '/destinations/crm/pause')
    expect(await server.itemsOf('/deliveries')).toMatchObject([{ lane: { head: true, nextAttemptAt: null } }])
  })

  test('a dead one is tried again, and nothing else can be done to one that was delivered', async () => {
    await server.add('crm')
    await server.routed('call_1', 'call.ended')
    await server.deliver(refuses)
    expect(await server.itemsOf('/deliveries?state=dead')).toMatchObject([
      { id: 'dlv_1', reason: 'refused: answered 400' },
    ])
    const { status, body } = await server.send('POST', '/deliveries/dlv_1/retry', { reason: 'mended' })
    expect([status, body['state'], (body['attempts'] as unknown[]).length]).toEqual([200, 'pending', 1])
    await server.deliver(delivers)
    expect((await server.ask('/deliveries/dlv_1')).body).toMatchObject({
      state: 'delivered',
      finishedAt: '2026-06-01T00:00:00.000Z',
      lane: null,
    })
    expect(errorOf(await server.send('POST', '/deliveries/dlv_1/retry'))).toEqual([
      409,
      'conflict',
      'This delivery has been delivered; a replay sends its event again',
    ])
    expect((await server.send('POST', '/deliveries/dlv_1/skip')).status).toBe(409)
    expect(await server.itemsOf('/audit')).toMatchObject([
      { action: 'delivery.retry', target: 'dlv_1', reason: 'mended', actor: 'admin' },
      { action: 'destination.create' },
    ])
  })

  test('those of a destination that was removed are found by its last name or id, and are not retried', async () => {
    const id = await server.add('first')
    await server.routed('call_1', 'call.ended')
    await server.send('PATCH', '/destinations/first', { name: 'crm' })
    await server.send('DELETE', '/destinations/crm?undelivered=dead')
    for (const name of ['crm', id]) {
      expect(await server.itemsOf(`/deliveries?destination=${name}`)).toMatchObject([
        { id: 'dlv_1', destination: { id, name: 'crm' } },
      ])
    }
    expect((await server.ask('/deliveries?destination=first')).status).toBe(404)
    expect(errorOf(await server.send('POST', '/deliveries/dlv_1/retry'))).toEqual([
      409,
      'conflict',
      'The destination of this delivery has been removed; there is nowhere left to send it',
    ])
    // One that has the name now goes before those that had it.
    await server.add('crm')
    expect(await server.itemsOf('/deliveries?destination=crm')).toEqual([])
    expect(await server.itemsOf(`/deliveries?destination=${id}`)).toHaveLength(1)
  })

  test('a pending one is skipped, with who did it and why', async () => {
    await server.add('crm')
    await server.routed('call_1', 'call.started', 'call.ended')
    const as = { 'hookswitch-actor': 'amal' }
    const { body } = await server.send('POST', '/deliveries/dlv_1/skip', { reason: 'a test call' }, as)
    expect(body).toMatchObject({ state: 'skipped', reason: 'skipped by amal: a test call' })
    expect(await server.itemsOf('/deliveries?state=pending')).toMatchObject([
      { id: 'dlv_2', lane: { head: true } },
    ])
  })

  test.each(['dlv_99', 'dlv_0', 'dlv_x', 'dlv_01', 'lane_1', 'dlv_99999999999999999999'])(
    '%s is not found',
    async (id) => {
      for (const answer of [
        await server.ask(`/deliveries/${id}`),
        await server.send('POST', `/deliveries/${id}/retry`),
        await server.send('POST', `/deliveries/${id}/skip`),
      ]) {
        expect(errorOf(answer)).toEqual([404, 'not_found', 'No delivery has this id'])
      }
    },
  )
})

describe('lanes', () => {
  beforeEach(async () => {
    await server.add('crm', { onExhausted: 'park' })
    await server.routed('call_1', 'call.started', 'call.ended')
    await server.deliver(refuses)
  })

  test('are listed, and a parked one says why', async () => {
    await server.add('other')
    await server.routed('call_2', 'call.ended')
    expect((await server.itemsOf('/lanes')).map(({ id }) => id)).toHaveLength(3)
    expect(await server.itemsOf('/lanes?destination=other')).toMatchObject([
      { key: 'call:call_2', state: 'running' },
    ])
    const [parked, ...others] = await server.itemsOf('/lanes?state=parked')
    expect(others).toEqual([])
    expect(parked).toEqual({
      id: 'lane_1',
      destination: { id: expect.stringMatching(/^dst_/) as string, name: 'crm' },
      key: 'call:call_1',
      state: 'parked',
      pending: 2,
      head: 'dlv_1',
      headAttempts: 1,
      nextAttemptAt: null,
      parkedAt: '2026-06-01T00:00:00.000Z',
      parkedReason: 'refused: answered 400',
    })
    const { body } = await server.ask('/lanes?limit=2')
    expect(await server.itemsOf(`/lanes?limit=2&cursor=${String(body['nextCursor'])}`)).toHaveLength(1)
  })

  test('a resumed one tries its head again, and one that runs stays so', async () => {
    const { status, body } = await server.send('POST', '/lanes/lane_1/resume', { reason: 'mended' })
    expect(status).toBe(200)
    expect(body['lane']).toMatchObject({ state: 'running', head: 'dlv_1', headAttempts: 0, parkedAt: null })
    expect((await server.send('POST', '/lanes/lane_1/resume')).status).toBe(200)
    const acts = await server.itemsOf('/audit')
    expect(acts.filter(({ action }) => action === 'lane.resume')).toEqual([
      expect.objectContaining({ target: 'lane_1', reason: 'mended' }),
    ])
  })

  test('the head of a parked one is skipped, and it runs on until it is idle', async () => {
    const { body } = await server.send('POST', '/lanes/lane_1/skip', { reason: 'poison' })
    expect(body['lane']).toMatchObject({ state: 'running', head: 'dlv_2', pending: 1 })
    expect((await server.ask('/deliveries/dlv_1')).body).toMatchObject({
      state: 'skipped',
      reason: 'skipped by admin: poison',
    })
    expect((await server.send('POST', '/lanes/lane_1/skip')).body).toEqual({ lane: null })
    expect(errorOf(await server.send('POST', '/lanes/lane_1/skip'))).toEqual([
      404,
      'not_found',
      'No lane has this id',
    ])
    expect(await server.itemsOf('/audit')).toMatchObject([
      { action: 'lane.skip', target: 'lane_1', reason: null, detail: { head: 'dlv_2' } },
      { action: 'lane.skip', target: 'lane_1', reason: 'poison', detail: { head: 'dlv_1' } },
      { action: 'destination.create' },
    ])
  })

  test('what is being tried is not skipped meanwhile', async () => {
    await server.send('POST', '/lanes/lane_1/resume')
    await server.store.beat('epoch')
    const claimed = { epoch: 'epoch', results: [], lanesMax: 10, lanesPerDestinationMax: 10 }
    expect((await server.store.work(claimed)).claims).toHaveLength(1)
    for (const path of ['/lanes/lane_1/skip', '/deliveries/dlv_1/skip', '/deliveries/dlv_1/retry']) {
      expect(errorOf(await server.send('POST', path))).toEqual([
        409,
        'conflict',
        expect.stringMatching(/being tried at this moment/),
      ])
    }
  })
})

describe('removing a destination', () => {
  test('is refused while deliveries wait, unless it is said what becomes of them', async () => {
    await server.add('crm')
    await server.routed('call_1', 'call.started', 'call.ended')
    expect(errorOf(await server.send('DELETE', '/destinations/crm'))).toEqual([
      409,
      'conflict',
      '2 deliveries wait for this destination; say with undelivered=skip or undelivered=dead what becomes of them',
    ])
    expect((await server.send('DELETE', '/destinations/crm?undelivered=drop')).status).toBe(400)
    expect(await server.itemsOf('/deliveries?state=pending')).toHaveLength(2)
    const removed = await server.send('DELETE', '/destinations/crm?undelivered=dead&reason=moved')
    expect([removed.status, removed.text]).toEqual([204, ''])
    expect((await server.ask('/destinations/crm')).status).toBe(404)
    // What was is still told, by the name that the destination had.
    expect(await server.itemsOf('/deliveries?state=dead')).toMatchObject([
      { destination: { name: 'crm' }, lane: null },
      { destination: { name: 'crm' }, lane: null },
    ])
    expect(await server.itemsOf('/lanes')).toEqual([])
  })

  test('with more deliveries than one transaction ends', async () => {
    await server.add('crm', { lane: 'destination' })
    for (let call = 0; call < 3; call += 1) {
      await server.append(
        ...Array.from({ length: 400 }, (_, at) => ({ eventType: 'x', callId: `call_${call}`, at })),
      )
    }
    await server.fold()
    expect((await server.send('DELETE', '/destinations/crm?undelivered=skip')).status).toBe(204)
    expect(await server.itemsOf('/deliveries?state=pending')).toEqual([])
    expect(await server.itemsOf('/deliveries?state=skipped&limit=200')).toHaveLength(200)
  })
})
