import { inspect } from 'node:util'
import { memoryDedupe, Rejected, type ReceiverOptions } from '@hookswitch/receiver'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { answered, listening, request, until, type Answered, type Told } from './core-requests.ts'

// Words that stand in secrets and payloads, and may stand nowhere else.
const secret = 'canary-secret'
const shown = 'canary-shown'
const canaries = ['canary', '+15551234567', '5551234567']
const payload = {
  eventType: 'call.ended',
  callId: 'call_1',
  canaryKey: 'canary-value',
  data: {
    timestamp: 'canary-time',
    data: {
      userNumber: '+15551234567',
      transcription: [{ Agent: 'canary-turn' }, 'canary-line', 7],
      outcomeResult: { phone: '+15551234567', note: 'canary-note' },
    },
  },
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})

afterEach(() => {
  vi.useRealTimers()
})

/** What a receiver told and answered, in full. The event itself is handed to `onError`: that is the app's own. */
function everything(told: Told, got: Answered): string {
  return inspect({ told, got }, { depth: 20, showHidden: false })
}

const headers = { authorization: `Bearer ${secret}` }
const never = new Promise<never>(() => {})
const gone = new Error('gone')
const signature = { secrets: [`whsec_${btoa(secret.repeat(2))}`] }

const cases: [string, Partial<ReceiverOptions>, (Parameters<typeof request> | undefined)?][] = [
  ['handled', {}],
  ['passed over', { on: { 'call.started': () => {} } }],
  ['a wrong secret', {}, [payload, { headers: { authorization: `Bearer ${shown}` } }]],
  ['a wrong signature', { signature }, [payload, { headers: { ...headers, 'webhook-signature': shown } }]],
  ['an id that is none', {}, [payload, { headers: { ...headers, 'webhook-id': `${shown} ${secret}` } }]],
  ['no event', {}, [{ canary: 'canary', data: payload }, { headers }]],
  ['no JSON', {}, ['{"canary": canary', { headers }]],
  ['too large', { bodyBytesMax: 10 }, [payload, { headers }]],
  ['a failing handler', { on: { '*': () => Promise.reject(gone) } }],
  ['a refusing handler', { on: { '*': () => Promise.reject(new Rejected('no')) } }],
  ['a failing dedupe', { dedupe: { ...memoryDedupe(), claim: () => Promise.reject(gone) } }],
  ['a failing queue', { queue: { add: () => Promise.reject(gone) } }],
  ['a late handler', { on: { '*': () => never } }],
  ['a late dedupe', { dedupe: { ...memoryDedupe(), claim: () => never } }],
  ['a late queue', { queue: { add: () => never } }],
]

test.each(cases)(
  '%s: log, errors and answers hold no payload, secret or phone number',
  async (_what, options, asked) => {
    const receiver = listening({ secrets: [secret, 'other'], on: { '*': () => {} }, ...options })
    const answer = answered(receiver.fetch(request(...(asked ?? [payload, { headers }]))))
    let done = false
    void answer.then(() => (done = true))
    await until('an answer or a wait', () => done || vi.getTimerCount() > 0)
    await until('the wait to be all there is', () => done || vi.getTimerCount() === 1)
    await vi.advanceTimersByTimeAsync(4_000)
    await until('an answer', () => done)
    const text = everything(receiver.told, await answer)
    expect(receiver.told.log.length).toBeGreaterThan(0)
    for (const canary of canaries) expect(text).not.toContain(canary)
  },
)
