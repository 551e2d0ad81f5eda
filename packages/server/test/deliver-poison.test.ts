import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { api, endServerProcesses, startServerProcess, until, type ServerProcess } from '@hookswitch/testkit'
import {
  acceptedCall,
  act,
  addWebhook,
  drained,
  listed,
  loopbackAllowed,
  shown,
  startDeliveryReceiver,
  type DeliveryReceiver,
} from '@hookswitch/testkit/delivery-receiver'

let receiver: DeliveryReceiver
let server: ServerProcess
beforeEach(async () => {
  receiver = await startDeliveryReceiver()
  server = await startServerProcess({ env: loopbackAllowed })
})
afterEach(async () => {
  await endServerProcesses()
  await receiver.close()
})

/** The events that came, by their place in this list. */
function placesOf(ids: readonly string[]): number[] {
  return receiver.received.filter(({ id }) => ids.includes(id)).map(({ id }) => ids.indexOf(id))
}

/** Sends two calls of four events, the second event of one of which is refused with 400; its ids, and the other's. */
async function sendPoisoned(): Promise<[poisoned: string[], healthy: string[]]> {
  const poison = /"callId":"poisoned".*"text":"part 1"/
  receiver.treat(({ body }) => (poison.test(body.toString()) ? 400 : 200))
  return [await acceptedCall(server, 'poisoned', 4), await acceptedCall(server, 'healthy', 4)]
}

async function parkedLane(): Promise<Record<string, unknown>> {
  return until('the lane to be parked', async () => (await listed(server, '/lanes?state=parked'))[0])
}

describe('an event that the destination refuses', () => {
  test('continue: it is dead after one try, its lane goes on with the next, and it says why', async () => {
    await addWebhook(server, receiver, 'crm', { onExhausted: 'continue' })
    const [poisoned, healthy] = await sendPoisoned()
    await drained(server)
    expect(placesOf(poisoned)).toEqual([0, 1, 2, 3])
    expect(placesOf(healthy)).toEqual([0, 1, 2, 3])
    const dead = await listed(server, '/deliveries?state=dead')
    expect(dead).toMatchObject([
      { eventId: poisoned[1], callId: 'poisoned', reason: expect.stringContaining('400') as string },
    ])
    expect(await listed(server, '/deliveries?state=delivered')).toHaveLength(7)
  })

  test('continue: a retry of the dead one joins the tail, behind what still waits in its lane', async () => {
    const id = await addWebhook(server, receiver, 'crm', { onExhausted: 'continue' })
    const [poisoned] = await sendPoisoned()
    await drained(server)
    const [dead] = await listed(server, '/deliveries?state=dead')
    await act(server, `/destinations/${id}/pause`)
    const later = await acceptedCall(server, 'poisoned', 2, { eventType: 'call.ended' })
    await until(
      'the later ones to wait',
      async () => (await listed(server, '/deliveries?state=pending')).length === 2,
    )
    receiver.treat(() => 200)
    await act(server, `/deliveries/${String(dead?.['id'])}/retry`)
    await act(server, `/destinations/${id}/resume`)
    await drained(server)
    expect(placesOf([...poisoned, ...later])).toEqual([0, 1, 2, 3, 4, 5, 1])
    expect(await shown(server, `/deliveries/${String(dead?.['id'])}`)).toMatchObject({
      state: 'delivered',
      attempts: [
        { number: 1, verdict: 'reject', status: 400 },
        { number: 2, verdict: 'delivered', status: 200 },
      ],
    })
  })

  test('park: its lane alone stands still; resume tries it again, and the rest follows in order', async () => {
    await addWebhook(server, receiver, 'crm', { onExhausted: 'park' })
    const [poisoned, healthy] = await sendPoisoned()
    const lane = await parkedLane()
    await until('the other lane', async () => placesOf(healthy).length === 4)
    // Nothing has died of it: neither the log nor the metrics say so.
    await until('the log to say it', () => Promise.resolve(server.output().includes('"msg":"parked"')))
    expect(server.output()).not.toContain('"msg":"dead"')
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toContain('hookswitch_deliveries_total{kind="webhook",outcome="parked"} 1')
    expect(metrics).not.toContain('outcome="dead"')
    await until('what is behind it', async () => (await parkedLane())['pending'] === 3)
    expect(lane).toMatchObject({ state: 'parked', parkedReason: expect.stringContaining('400') as string })
    expect(placesOf(poisoned)).toEqual([0, 1])
    // Its sibling delivers on while it is parked.
    const more = await acceptedCall(server, 'healthy', 2, { eventType: 'call.ended' })
    await until('the other lane again', async () => placesOf(more).length === 2)
    expect(placesOf(poisoned)).toEqual([0, 1])

    // Still refused: it is parked again after one try.
    await act(server, `/lanes/${String(lane['id'])}/resume`)
    await until('one more try', async () => placesOf(poisoned).length === 3)
    const again = await until('it to be parked again', async () => {
      const found = await parkedLane()
      return found['parkedAt'] === lane['parkedAt'] ? null : found
    })
    receiver.treat(() => 200)
    await act(server, `/lanes/${String(again['id'])}/resume`)
    await drained(server)
    expect(placesOf(poisoned)).toEqual([0, 1, 1, 1, 2, 3])
    expect(await listed(server, '/lanes')).toEqual([])
  })

  test('park: skip passes the event over, says by whom and why, and its lane runs on', async () => {
    await addWebhook(server, receiver, 'crm', { onExhausted: 'park' })
    const [poisoned] = await sendPoisoned()
    const lane = await parkedLane()
    const answer = await api(server, `/lanes/${String(lane['id'])}/skip`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'hookswitch-actor': 'amal' },
      body: JSON.stringify({ reason: 'the CRM does not know this call' }),
    })
    expect(answer.status).toBe(200)
    await drained(server)
    expect(placesOf(poisoned)).toEqual([0, 1, 2, 3])
    expect(await listed(server, '/deliveries?state=skipped')).toMatchObject([
      { eventId: poisoned[1], reason: 'skipped by amal: the CRM does not know this call' },
    ])
    expect((await listed(server, '/audit'))[0]).toMatchObject({
      action: 'lane.skip',
      actor: 'amal',
      target: lane['id'],
      reason: 'the CRM does not know this call',
    })
  })
})

test('retries that are spent are as an event that is refused: the lane goes on, and the others never waited', async () => {
  receiver.treat(({ body }) => (body.includes('"poisoned"') && body.includes('"part 0"') ? 503 : 200))
  await addWebhook(server, receiver, 'crm', { retry: { delaysSeconds: [0.1, 0.1] } })
  const poisoned = await acceptedCall(server, 'poisoned', 2)
  const healthy = await acceptedCall(server, 'healthy', 2)
  await drained(server)
  expect(placesOf(poisoned)).toEqual([0, 0, 0, 1])
  expect(placesOf(healthy)).toEqual([0, 1])
  expect(await listed(server, '/deliveries?state=dead')).toMatchObject([
    {
      eventId: poisoned[0],
      attempts: 3,
      reason: expect.stringContaining('given up after 3 tries') as string,
    },
  ])
})
