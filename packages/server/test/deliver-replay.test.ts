import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  endServerProcesses,
  startServerProcess,
  temporaryFolder,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import {
  accepted,
  acceptedCall,
  act,
  addWebhook,
  ask,
  callEvent,
  drained,
  listed,
  loopbackAllowed,
  shown,
  startDeliveryReceiver,
  type DeliveryReceiver,
  type Received,
} from '@hookswitch/testkit/delivery-receiver'

// One server for all of this file: the tests look at what theirs adds.

let receiver: DeliveryReceiver
let server: ServerProcess
let first: string[]
let second: string[]
beforeAll(async () => {
  receiver = await startDeliveryReceiver()
  server = await startServerProcess({ env: loopbackAllowed })
  receiver.treat(({ body }) => (body.includes('"call.exploded"') ? 400 : 200))
  await addWebhook(server, receiver, 'crm')
  first = await acceptedCall(server, 'first', 3)
  first.push(await accepted(server, callEvent('first', 3, { eventType: 'call.ended' })))
  second = await acceptedCall(server, 'second', 2)
  second.push(await accepted(server, callEvent('second', 2, { eventType: 'call.exploded' })))
  second.push(await accepted(server, callEvent('second', 3, { eventType: 'call.ended' })))
  await drained(server)
})
afterAll(async () => {
  await endServerProcesses()
  await receiver.close()
})

/** Asks for a replay and waits until all of it has come; what came, and its id. */
async function replayed(filter: object): Promise<{ id: string; came: Received[] }> {
  const before = receiver.received.length
  const { id, total } = await act(server, '/replays', { destination: 'crm', filter })
  const done = await until('the replay to be made', async () => {
    const replay = await shown(server, `/replays/${String(id)}`)
    expect(Number(replay['made'])).toBeLessThanOrEqual(Number(replay['total']))
    return replay['state'] === 'done' ? replay : null
  })
  await drained(server)
  const came = receiver.received.slice(before)
  expect(done).toMatchObject({ total, made: total, filter })
  expect(came, 'as many as were counted').toHaveLength(Number(total))
  for (const { replayId } of came) expect(replayId).toBe(id)
  return { id: String(id), came }
}

const idsIn = (came: readonly Received[], of: readonly string[]): string[] =>
  came.map(({ id }) => id).filter((id) => of.includes(id))

describe('a replay', () => {
  test('of a call sends its events again in order, with their own ids and bytes, and the header of the replay', async () => {
    const before = receiver.received.filter(({ id }) => first.includes(id))
    const { came } = await replayed({ callId: 'first' })
    expect(came.map(({ id }) => id)).toEqual(first)
    for (const { id, body, deliveryId } of came) {
      const original = before.find((one) => one.id === id)
      expect(body.equals(original?.body ?? Buffer.alloc(0))).toBe(true)
      // It is a delivery of its own, which says so.
      expect(deliveryId).not.toBe(original?.deliveryId)
      expect(original?.replayId).toBe(null)
    }
  })

  test('of a type sends only that', async () => {
    const { came } = await replayed({ type: 'call.ended' })
    expect(came.map(({ id }) => id).sort()).toEqual([first[3] ?? '', second[3] ?? ''].sort())
  })

  test('since a time sends what was received then and later, in the order of each call', async () => {
    const { receivedAt } = await shown(server, `/events/${String(second[0])}`)
    const { came } = await replayed({ from: receivedAt })
    expect(idsIn(came, second)).toEqual(second)
    // Events of the first call may bear the same millisecond, and none an earlier one.
    for (const id of idsIn(came, first)) {
      const event = await shown(server, `/events/${id}`)
      expect(Date.parse(String(event['receivedAt']))).toBeGreaterThanOrEqual(Date.parse(String(receivedAt)))
    }
  })

  test('of what is dead sends it again when the destination is well, and nothing else', async () => {
    expect(await listed(server, '/deliveries?state=dead')).not.toEqual([])
    receiver.treat(() => 200)
    const { came } = await replayed({ state: 'dead' })
    expect(came.map(({ id }) => id)).toEqual([second[2]])
    // What is counted is the latest delivery of an event: there is nothing dead any more.
    expect((await replayed({ state: 'dead' })).came).toEqual([])
  })

  test('joins the tail: what already waits in a lane goes first', async () => {
    await act(server, '/destinations/crm/pause')
    const fresh = await acceptedCall(server, 'first', 2, { eventType: 'call.answered' })
    await until('both to wait', async () => (await listed(server, '/deliveries?state=pending')).length === 2)
    const before = receiver.received.length
    const { id } = await act(server, '/replays', { destination: 'crm', filter: { eventIds: [first[0]] } })
    await until(
      'the replay to be made',
      async () => (await shown(server, `/replays/${String(id)}`))['state'] === 'done',
    )
    await act(server, '/destinations/crm/resume')
    await drained(server)
    expect(receiver.received.slice(before).map((one) => one.id)).toEqual([...fresh, first[0]])
  })
})

test('a replay that was begun goes on after a crash, and delivers each event once for it', async () => {
  const other = await startDeliveryReceiver()
  const folder = await temporaryFolder()
  let node = await startServerProcess({ folder, env: loopbackAllowed })
  await addWebhook(node, other, 'crm')
  const ids = await Promise.all(
    Array.from({ length: 8 }, (_, call) => acceptedCall(node, `call-${call}`, 25)),
  )
  await drained(node)
  const { id, total } = await act(node, '/replays', { destination: 'crm', filter: {} })
  expect(total).toBe(200)
  await node.kill()
  node = await startServerProcess({ folder, env: loopbackAllowed })
  await until('the replay to be made', async () => {
    const replay = await shown(node, `/replays/${String(id)}`)
    return replay['state'] === 'done' && replay['made'] === 200
  })
  await drained(node)
  const replays = Map.groupBy(other.received, ({ replayId }) => replayId).get(String(id)) ?? []
  for (const call of ids) {
    // Some may come twice around the kill, which is the delivery of the same number.
    const came = replays.filter((one) => call.includes(one.id))
    expect(new Set(came.map(({ deliveryId }) => deliveryId)).size).toBe(call.length)
    expect([...new Set(came.map((one) => one.id))]).toEqual(call)
  }
  await other.close()
})

describe('what became of an event', () => {
  test('every destination has a sentence for it', async () => {
    await addWebhook(server, receiver, 'only-started', { events: ['call.started'] })
    await addWebhook(server, receiver, 'only-other-agent', { scope: { agents: ['agent-2'] } })
    await addWebhook(server, receiver, 'filters', { filter: 'event.type = "call.ended"' })
    await addWebhook(server, receiver, 'refuses', { settings: { url: `${receiver.url}/refuses` } })
    await addWebhook(server, receiver, 'paused')
    await act(server, '/destinations/paused/pause', { reason: 'until noon' })
    receiver.treat(({ path }) => (path === '/refuses' ? 422 : 200))
    const id = await accepted(server, callEvent('explained', 0, { agentId: 'agent-1' }))
    await until('all but the paused one', async () => {
      const pending = await listed(server, '/deliveries?callId=explained&state=pending')
      const all = await listed(server, '/deliveries?callId=explained')
      return all.length === 4 && pending.length === 1
    })
    const { destinations } = (await shown(server, `/events/${id}/explain`)) as {
      destinations: { destination: { name: string }; state: string; sentence: string }[]
    }
    const said = Object.fromEntries(
      destinations.map(({ destination: { name }, state, sentence }) => [name, `${state} / ${sentence}`]),
    )
    expect(said).toEqual({
      crm: expect.stringMatching(/^delivered \/ \S.+\.$/) as string,
      'only-started': expect.stringMatching(/^not_subscribed \/ .*call\.started.*\.$/) as string,
      'only-other-agent': expect.stringMatching(/^out_of_scope \/ .*\.$/) as string,
      filters: expect.stringMatching(/^filtered \/ .*filter.*\.$/) as string,
      refuses: expect.stringMatching(/^dead \/ .*422.*\.$/) as string,
      paused: expect.stringMatching(/^held \/ .*paused.*until noon.*\.$/) as string,
    })
  })

  test('every act by hand is in the audit log, with who, what and why', async () => {
    const asAmal = { 'hookswitch-actor': 'amal' }
    const acts = [
      ['POST', '/destinations/crm/pause', 'destination.pause'],
      ['POST', '/destinations/crm/resume', 'destination.resume'],
      ['POST', '/destinations/crm/test', 'destination.test'],
    ] as const
    for (const [method, path, action] of acts) {
      const { status } = await ask(server, method, path, { reason: `why ${action}` }, asAmal)
      expect(status).toBe(200)
    }
    const replay = { destination: 'crm', filter: { callId: 'first' }, reason: 'why replay' }
    expect((await ask(server, 'POST', '/replays', replay, asAmal)).status).toBe(202)
    const changed = { events: ['call.ended'], reason: 'why update' }
    expect((await ask(server, 'PATCH', '/destinations/crm', changed, asAmal)).status).toBe(200)
    const [newest, nextNewest, ...others] = await listed(server, '/audit')
    expect(newest).toMatchObject({ action: 'destination.update', actor: 'amal', reason: 'why update' })
    expect(nextNewest).toMatchObject({ action: 'replay.create', actor: 'amal', reason: 'why replay' })
    expect(others.slice(0, 3).map(({ action, actor, reason }) => [action, actor, reason])).toEqual(
      acts.map(([, , action]) => [action, 'amal', `why ${action}`]).toReversed(),
    )
    // Those of the tests above, whose actor is not known.
    expect(others.filter(({ actor }) => actor === 'admin').length).toBeGreaterThan(5)
  })
})
