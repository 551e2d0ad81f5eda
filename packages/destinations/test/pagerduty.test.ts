import { describe, expect, test } from 'vitest'
import {
  answers,
  destinationContract,
  destinationContractCases,
  sampleEvent,
  type PeerAnswer,
} from '@hookswitch/testkit/destination-contract'
import { pagerdutyKind } from '../src/pagerduty/pagerduty-kind.ts'
import { pagerduty } from '../src/pagerduty/pagerduty.ts'
import { enormousCall, expectations, lastJson, messageOf, openKind, running, service } from './open-kind.ts'

const routingKey = '0123456789abcdef0123456789ABCDEF'

/** Answers as Events API v2 does. */
const accepted = answers({
  status: 202,
  body: '{"status":"success","message":"Event processed","dedup_key":"hookswitch:ops:call_1"}',
})

async function toPagerDuty(
  answer: PeerAnswer = accepted,
  settings: object = {},
  publicUrl: string | null = null,
) {
  const peer = await service(answer)
  const given = { routingKey, url: `${peer.url}/v2/enqueue`, ...settings }
  return { peer, destination: openKind(pagerdutyKind, given, { publicUrl }) }
}

interface Sent {
  event_action: string
  dedup_key: string
  payload: { summary: string; severity: string; source: string; custom_details: Record<string, unknown> }
}

describe('pagerduty', () => {
  test('opens an alert for the call, with what it is about', async () => {
    const { peer, destination } = await toPagerDuty(accepted, {}, 'https://calls.example.com')
    expect(await destination.send(messageOf(), running)).toMatchObject({ verdict: 'delivered', status: 202 })
    expect(peer.requests[0]).toMatchObject({ method: 'POST', url: '/v2/enqueue' })
    expect(lastJson(peer)).toEqual({
      routing_key: routingKey,
      event_action: 'trigger',
      dedup_key: 'hookswitch:ops:call_1',
      payload: {
        summary: 'Call ended: Recruiter, 2 min 5 s (priority: urgent)',
        source: 'Recruiter',
        severity: 'error',
        timestamp: '2026-01-15T12:02:10.000Z',
        component: 'ops',
        class: 'call.ended',
        custom_details: {
          'Call ID': 'call_1',
          Duration: '2 min 5 s',
          Agent: 'Recruiter',
          User: '+15550100',
          Started: '2026-01-15 12:00:00 UTC',
          Status: 'ended',
          Direction: 'inbound',
          Channel: 'telephony',
          'Agent number': '+15550199',
          Outcome: { priority: 'urgent' },
          Transcript: 'Agent: Hello!\nUser: Hi.',
          Event: 'evt_00000000000000000000000001',
        },
      },
      links: [
        { href: 'https://calls.example.com/calls/call_1', text: 'View Details' },
        { href: 'https://recordings.example/call_1.mp3', text: 'Recording' },
      ],
      client: 'Hookswitch',
      client_url: 'https://calls.example.com/calls/call_1',
    })
  })

  test('a later event resolves the alert of the same call, where the settings say so', async () => {
    const { peer, destination } = await toPagerDuty(accepted, { resolveOn: ['ticket.closed'] })
    await destination.send(messageOf(), running)
    const opened = lastJson(peer)
    await destination.send(messageOf({}, { event: sampleEvent({ type: 'ticket.closed' }) }), running)
    expect(lastJson(peer)).toEqual({
      routing_key: routingKey,
      event_action: 'resolve',
      dedup_key: opened['dedup_key'],
    })
  })

  test('a long call id has a key of its own that fits', async () => {
    const { peer, destination } = await toPagerDuty()
    const keys = await Promise.all(
      ['ك'.repeat(250), `${'ك'.repeat(249)}x`].map(async (callId) => {
        await destination.send(messageOf({}, { event: sampleEvent({ callId }) }), running)
        return (lastJson(peer) as unknown as Sent).dedup_key
      }),
    )
    for (const key of keys) expect(key).toMatch(/^hookswitch:ops:[0-9a-f]{64}$/)
    expect(new Set(keys).size).toBe(2)
  })

  test('keeps its limits, and stays small, whatever a call holds', async () => {
    const { peer, destination } = await toPagerDuty()
    await destination.send(messageOf(enormousCall()), running)
    const { payload } = lastJson(peer) as unknown as Sent
    expect(payload.summary.length).toBeLessThanOrEqual(1024)
    expect(payload.summary).not.toContain('\n')
    expect(peer.requests[0]?.body.byteLength).toBeLessThan(64 * 1024)
    expect(payload.custom_details).toMatchObject({
      'Outcome left out': expect.stringMatching(/^\d+ more$/),
      Transcript: expect.stringMatching(/turns left out/),
    })
    expect(JSON.stringify(payload).isWellFormed()).toBe(true)
  })

  test('takes a summary or its parts from a template', async () => {
    const { peer, destination } = await toPagerDuty()
    const send = async (content: unknown) => {
      const result = await destination.send(messageOf({}, { content }), running)
      return { result, sent: lastJson(peer) as unknown as Sent }
    }
    expect((await send('Pump\nleaks')).sent.payload).toMatchObject({
      summary: 'Pump leaks',
      severity: 'error',
    })
    const full = { summary: 'x'.repeat(2000), severity: 'critical', details: { floor: 4 } }
    const { payload } = (await send(full)).sent
    expect(payload).toMatchObject({ severity: 'critical', custom_details: { floor: 4 } })
    expect(payload.summary).toHaveLength(1024)
    expect((await send({ action: 'acknowledge' })).sent.event_action).toBe('acknowledge')

    expect(peer.requests).toHaveLength(3)
    for (const content of [
      7,
      null,
      '',
      { severity: 'loud' },
      { action: 'snooze' },
      { details: { n: 1n } },
      { title: 'x' },
    ]) {
      expect((await send(content)).result).toMatchObject({ verdict: 'reject', cause: 'code' })
    }
    const large = await send({ details: { text: 'x'.repeat(300_000) } })
    expect(large.result.message).toMatch(/details of 300011 bytes, expected at most 262144/)
    expect(peer.requests).toHaveLength(3)
  })

  test('a sample is seen and wakes nobody, and touches no alert of a call', async () => {
    const { peer, destination } = await toPagerDuty(accepted, {
      severity: 'critical',
      resolveOn: ['call.ended'],
    })
    await destination.send(messageOf({}, { test: true }), running)
    expect(lastJson(peer)).toMatchObject({
      event_action: 'trigger',
      dedup_key: 'hookswitch:ops:test',
      payload: { severity: 'info', summary: expect.stringMatching(/^Test from Hookswitch: /) },
    })
    await destination.send(messageOf({}, { test: true, content: 'My summary' }), running)
    expect(lastJson(peer)).toMatchObject({ payload: { summary: 'Test from Hookswitch: My summary' } })
  })

  test('says what PagerDuty says of an event that it does not take', async () => {
    const body = JSON.stringify({
      status: 'invalid event',
      message: 'Event object is invalid',
      errors: ["'payload.severity' is invalid", 'x'.repeat(5000)],
    })
    const { destination } = await toPagerDuty(answers({ status: 400, body }))
    const short = await toPagerDuty(answers({ status: 400, body: body.replace(/x{5000}/, 'more') }))
    const result = await short.destination.send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'reject', status: 400, cause: null })
    expect(result.message).toBe(
      `PagerDuty answered "Event object is invalid; 'payload.severity' is invalid; more"`,
    )
    expect((await destination.send(messageOf(), running)).verdict).toBe('reject')
  })

  test('a key that PagerDuty does not know holds the destination', async () => {
    const body = JSON.stringify({
      status: 'invalid event',
      message: 'Invalid',
      errors: ['Invalid routing key'],
    })
    const { destination } = await toPagerDuty(answers({ status: 400, body }))
    expect(await destination.send(messageOf(), running)).toMatchObject({
      verdict: 'auth',
      message: expect.stringContaining('check the integration key'),
    })
  })

  test('the key stands in no trace', async () => {
    const { destination } = await toPagerDuty()
    const result = await destination.send(messageOf(), running)
    expect(result.request?.body).toContain('"routing_key":"***"')
    expect(JSON.stringify(result)).not.toContain(routingKey)
  })
})

describe('the settings of pagerduty', () => {
  test('say what they expect', () => {
    expect(expectations(pagerdutyKind, { routingKey })).toEqual({})
    expect(expectations(pagerdutyKind, {})).toEqual({
      routingKey: expect.stringContaining('integration key'),
    })
    expect(
      expectations(pagerdutyKind, { routingKey: 'short', severity: 'loud', resolveOn: 'x', url: 'x' }),
    ).toEqual({
      routingKey: expect.stringContaining('32 letters and digits'),
      severity: 'critical, error, warning or info',
      resolveOn: expect.stringContaining('list of event types'),
      url: expect.stringContaining('https://events.pagerduty.com/v2/enqueue'),
    })
  })

  test('go to PagerDuty itself by default', () => {
    expect(pagerdutyKind.settings.parse({ routingKey }).url).toBe('https://events.pagerduty.com/v2/enqueue')
  })

  test('the function adds the kind', () => {
    const config = pagerduty({ name: 'on-call', settings: { routingKey, resolveOn: ['x'] } })
    expect(config).toEqual({ kind: 'pagerduty', name: 'on-call', settings: { routingKey, resolveOn: ['x'] } })
  })
})

const contract = destinationContract({
  kind: pagerdutyKind,
  settings: (baseUrl) => ({ routingKey, url: `${baseUrl}/v2/enqueue` }),
  secrets: [routingKey],
  accepts: { status: 202, body: '{"status":"success"}' },
  urlSetting: 'url',
})

test('pagerduty: every case of the contract ran', () => {
  expect(contract.ran()).toBe(destinationContractCases)
})
