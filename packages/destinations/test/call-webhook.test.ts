import { describe, expect, onTestFinished, test } from 'vitest'
import type { CallTarget, KindContext, Message } from '@hookswitch/destinations'
import {
  answers,
  destinationContract,
  destinationContractCases,
  type Peer,
  sampleEvent,
  sampleMessage,
} from '@hookswitch/testkit/destination-contract'
import { callWebhookKind } from '../src/call-webhook/call-webhook-kind.ts'
import { running, service, surround } from './open-kind.ts'

function targetAt(url: string, wanted: Partial<CallTarget> = {}): CallTarget {
  return { url, authKey: 'Bearer', authSecret: 's3cr3t-of-the-call', events: null, ...wanted }
}

describe('call-webhook', () => {
  const contract = destinationContract({
    kind: callWebhookKind,
    settings: () => ({}),
    override: (baseUrl) => targetAt(`${baseUrl}/hooks/one-call`),
    secrets: ['s3cr3t-of-the-call'],
    accepts: { status: 200 },
    // One call's trouble is not that of the others at the same host.
    verdicts: { 401: 'reject', 403: 'reject', 410: 'reject' },
    urlSetting: 'webhook.url',
  })

  test('every case of the contract ran', () => {
    expect(contract.ran()).toBe(destinationContractCases)
  })
})

/** One try of an event of `call_1`, whose webhook this is. */
function send(
  overrideOf: KindContext['overrideOf'],
  message: Partial<Message> = {},
  signal: AbortSignal = running,
) {
  const opened = callWebhookKind.open({}, { ...surround({ name: 'override:peer' }), overrideOf })
  onTestFinished(() => opened.close())
  return opened.send(sampleMessage(message), signal)
}

const always = (target: CallTarget | null) => () => Promise.resolve(target)
const peerThatAnswers = (status: number): Promise<Peer> => service(answers({ status }))

describe('the webhook of a call', () => {
  test('is sent what an ordinary one is sent, with what the call was started with', async () => {
    const peer = await peerThatAnswers(200)
    const asked: string[] = []
    const result = await send(
      (callId) => {
        asked.push(callId)
        return Promise.resolve(targetAt(`${peer.url}/mine?key=1`, { authKey: 'Token' }))
      },
      { event: sampleEvent({ callId: 'call_7' }), body: Buffer.from('{ "callId" : "call_7" }') },
    )
    expect(asked).toEqual(['call_7'])
    expect(result).toMatchObject({ verdict: 'delivered', status: 200 })
    expect(peer.requests).toHaveLength(1)
    expect(peer.requests[0]).toMatchObject({
      url: '/mine?key=1',
      headers: {
        authorization: 'Token s3cr3t-of-the-call',
        'content-type': 'application/json',
        'webhook-id': 'evt_00000000000000000000000001',
        'hookswitch-delivery': 'dlv_1',
      },
    })
    expect(peer.requests[0]?.body.toString()).toBe('{ "callId" : "call_7" }')
    expect(peer.requests[0]?.headers).not.toHaveProperty('webhook-signature')
  })

  test('without a key gets the secret alone, and without a secret no Authorization', async () => {
    const peer = await peerThatAnswers(200)
    await send(always(targetAt(peer.url, { authKey: null })))
    await send(always(targetAt(peer.url, { authKey: null, authSecret: null })))
    expect(peer.requests[0]?.headers).toMatchObject({ authorization: 's3cr3t-of-the-call' })
    expect(peer.requests[1]?.headers).not.toHaveProperty('authorization')
  })

  test('is asked for at each try - another call of the same host has another', async () => {
    const [one, other] = [await peerThatAnswers(200), await peerThatAnswers(200)]
    const opened = callWebhookKind.open(
      {},
      {
        ...surround(),
        overrideOf: (callId) => Promise.resolve(targetAt(callId === 'call_1' ? one.url : other.url)),
      },
    )
    for (const callId of ['call_1', 'call_2', 'call_1']) {
      await opened.send(sampleMessage({ event: sampleEvent({ callId }) }), running)
    }
    expect([one.requests.length, other.requests.length]).toEqual([2, 1])
  })

  test('is not sent the types that it does not take, and the reason says which', async () => {
    const peer = await peerThatAnswers(200)
    const target = targetAt(peer.url, { events: ['call.started', 'call.ended'] })
    expect(await send(always(target), { event: sampleEvent({ type: 'tool.executed' }) })).toMatchObject({
      verdict: 'filtered',
      status: null,
      cause: null,
      message: "the call's own webhook does not take tool.executed",
      request: null,
    })
    expect(peer.connections()).toBe(0)
    expect(await send(always(target))).toMatchObject({ verdict: 'delivered' })
  })

  test('that is not there any more is sent nothing', async () => {
    expect(await send(always(null))).toMatchObject({
      verdict: 'reject',
      cause: 'settings',
      message: "the call's own webhook is not there any more",
    })
  })

  test.each([
    [401, /^401: .*authorization.*resume the lane, or skip the event$/],
    [403, /^403: .*authorization.*resume the lane, or skip the event$/],
    [410, /^410: .*gone.*resume the lane, or skip the event$/],
  ])('that answers %d is refused with what to do - its lane parks, and no other', async (status, message) => {
    const peer = await peerThatAnswers(status)
    expect(await send(always(targetAt(peer.url)))).toMatchObject({
      verdict: 'reject',
      status,
      message: expect.stringMatching(message),
      response: { body: '' },
    })
  })

  test('that cannot be asked for fails as the store does - the event is not at fault', async () => {
    const away = new Error('the store is away')
    await expect(send(() => Promise.reject(away))).rejects.toBe(away)
  })

  test('is not sent to when the try was ended while it was asked for', async () => {
    const peer = await peerThatAnswers(200)
    const stopped = new Error('the node stops')
    const ending = new AbortController()
    const overrideOf = () => {
      ending.abort(stopped)
      return Promise.resolve(targetAt(peer.url))
    }
    await expect(send(overrideOf, {}, ending.signal)).rejects.toBe(stopped)
    expect(peer.connections()).toBe(0)
  })
})
