import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  delivers,
  errorOf,
  fails,
  filters,
  minute,
  refuses,
  startDeliveryServer,
  type DeliveryServer,
} from './delivery-server.ts'

// Explanations over HTTP, on the real store.

let server: DeliveryServer
beforeEach(async () => {
  server = await startDeliveryServer()
})
afterEach(() => server.close())

describe('explaining an event', () => {
  async function explained(eventId: string | undefined): Promise<Record<string, unknown>> {
    const { status, body, text } = await server.ask(`/events/${String(eventId)}/explain`)
    expect(status, text).toBe(200)
    return body
  }

  async function of(eventId: string | undefined, name: string): Promise<Record<string, unknown>> {
    const { destinations } = await explained(eventId)
    const found = destinations as { destination: { name: string } }[]
    return found.find(({ destination }) => destination.name === name) as unknown as Record<string, unknown>
  }

  test('before it is folded it says so', async () => {
    await server.add('crm')
    const [id] = await server.append({ eventType: 'call.ended', callId: 'call_1' })
    expect(await explained(id)).toMatchObject({
      eventId: id,
      callId: 'call_1',
      type: 'call.ended',
      seq: 1,
      folded: false,
      destinations: [{ state: 'not_routed_yet' }, { state: 'not_routed_yet' }],
    })
  })

  test('each destination answers for itself', async () => {
    await server.add('urgent', { events: ['call.ended'] })
    await server.add('staging', { scope: { sources: ['staging'] } })
    await server.add('agents', { scope: { agents: ['agent-2'] } })
    await server.add('crm')
    const [id] = await server.routed('call_1', 'call.started')
    await server.add('later')
    await server.deliver(delivers)
    const { folded, destinations } = await explained(id)
    expect(folded).toBe(true)
    expect(
      (destinations as Record<string, unknown>[]).map(({ state, sentence }) => [state, sentence]),
    ).toEqual([
      ['not_subscribed', 'Not sent: from-config takes other only, this is call.started.'],
      ['not_subscribed', 'Not sent: urgent takes call.ended only, this is call.started.'],
      ['out_of_scope', 'Not sent: staging takes the source staging only, this came from hamsa.'],
      ['out_of_scope', 'Not sent: agents takes calls of agent-2 only, this is a call of agent-1.'],
      ['delivered', 'Delivered at 00:00:00Z (204 after 120 ms).'],
      ['not_there_yet', 'Not sent: later was made after this event (00:00:00Z); a replay sends it.'],
    ])
  })

  test('one that waits says for what, with the data behind it', async () => {
    await server.add('crm', { onExhausted: 'park' })
    const [first, second] = await server.routed('call_1', 'call.started', 'call.ended')
    await server.deliver(fails)
    expect(await of(first, 'crm')).toMatchObject({
      state: 'retrying',
      sentence: 'Waiting: 1 try has failed (last: 503 after 120 ms), the next is at 00:01:00Z.',
      nextAttemptAt: '2026-06-01T00:01:00.000Z',
      delivery: { id: 'dlv_1', attempts: 1 },
      lastAttempt: { status: 503 },
      behind: null,
    })
    expect(await of(second, 'crm')).toMatchObject({
      state: 'behind',
      sentence: `Waiting behind ${first} in the same lane, of which 1 try has failed; its next is at 00:01:00Z.`,
      behind: { delivery: 'dlv_1', eventId: first, lane: 'lane_1', laneState: 'running' },
      nextAttemptAt: null,
    })
    server.advance(minute)
    await server.deliver(refuses)
    expect((await of(first, 'crm'))['sentence']).toBe(
      'Waiting: its lane has been parked since 00:01:00Z: refused: answered 400. It goes on when somebody resumes the lane or skips this event.',
    )
    expect(await of(second, 'crm')).toMatchObject({
      state: 'behind',
      sentence: expect.stringMatching(
        `^Waiting behind ${first} in the same lane, which has been parked since 00:01:00Z: refused`,
      ) as string,
      behind: { laneState: 'parked', parkedReason: 'refused: answered 400' },
    })
    await server.send('POST', '/lanes/lane_1/resume')
    await server.send('POST', '/destinations/crm/pause', { reason: 'maintenance' })
    expect(await of(first, 'crm')).toMatchObject({
      state: 'held',
      hold: { reason: 'paused', detail: 'maintenance', until: null },
      sentence: expect.stringMatching(
        /^Waiting: crm has been held since 00:01:00Z, because somebody paused it \(maintenance\)/,
      ) as string,
    })
  })

  test('filtered, dead and skipped say what can be done', async () => {
    await server.add('crm')
    const [filtered, dead, skipped] = [
      await server.routed('call_1', 'a'),
      await server.routed('call_2', 'b'),
      await server.routed('call_3', 'c'),
    ].flat()
    await server.send('POST', '/deliveries/dlv_3/skip')
    await server.deliver((type) => (type === 'a' ? filters() : refuses()))
    expect((await of(filtered, 'crm'))['sentence']).toBe(
      'Not sent: the filter of crm said no at 00:00:00Z. A replay asks it again.',
    )
    expect((await of(dead, 'crm'))['sentence']).toBe(
      'Dead since 00:00:00Z: refused: answered 400. It is sent again when somebody retries it.',
    )
    expect((await of(skipped, 'crm'))['sentence']).toBe('Skipped at 00:00:00Z: skipped by admin.')
  })

  test('the settings of that time decide, also after they were changed and after the destination was removed', async () => {
    await server.add('crm', { events: ['call.ended'] })
    const [id] = await server.routed('call_1', 'call.started')
    await server.send('PATCH', '/destinations/crm', { events: null })
    expect(await of(id, 'crm')).toMatchObject({
      state: 'not_subscribed',
      sentence: expect.stringMatching(
        /crm takes call\.ended only.*Since then crm has been changed/,
      ) as string,
      routedBy: { version: 1, since: '2026-06-01T00:00:00.000Z' },
    })
    await server.send('DELETE', '/destinations/crm')
    expect((await of(id, 'crm'))['sentence']).toBe(
      'Not sent: crm takes call.ended only, this is call.started. crm was removed at 00:00:00Z.',
    )
  })

  test('a destination that was removed before the event is not mentioned', async () => {
    await server.add('crm')
    await server.send('DELETE', '/destinations/crm')
    await server.add('other')
    const [id] = await server.routed('call_1', 'call.ended')
    const { destinations } = await explained(id)
    expect((destinations as { destination: object }[]).map(({ destination }) => destination)).toMatchObject([
      { name: 'from-config' },
      { name: 'other' },
    ])
  })

  test('an event that is not there is not found', async () => {
    expect(errorOf(await server.ask('/events/evt_none/explain'))).toEqual([
      404,
      'not_found',
      'No event has this id',
    ])
  })
})
