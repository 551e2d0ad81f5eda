import { describe, expect, test } from 'vitest'
import { createEgress, type HandlerCall, type KindContext } from '@hookswitch/destinations'
import { handler, type HandlerContext } from '@hookswitch/destinations/config'
import type { AttemptResult } from '@hookswitch/core'
import { sampleMessage } from '@hookswitch/testkit/destination-contract'
import { handlerKind } from '../src/handler/handler-kind.ts'

const delivered: AttemptResult = {
  verdict: 'delivered',
  status: null,
  cause: null,
  message: null,
  retryAfterMs: null,
  request: null,
  response: null,
}

function contextWith(runHandler: KindContext['runHandler']): KindContext {
  const egress = createEgress({ allow: null, version: '0.0.0' })
  return {
    name: 'crm',
    egress,
    publicUrl: null,
    version: '0.0.0',
    runHandler,
    overrideOf: () => Promise.reject(new Error('only the webhook of a call asks for it')),
  }
}

/** Never ends by itself, as a handler that waits for something. */
function untilAborted(_input: HandlerCall, signal: AbortSignal): Promise<AttemptResult> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
}

const never = new AbortController().signal

describe('handler', () => {
  test('its function is called with the event, the call and the outcome, and its result is the result', async () => {
    const calls: HandlerCall[] = []
    const context = contextWith((input) => {
      calls.push(input)
      return Promise.resolve(delivered)
    })
    const message = sampleMessage({ attempt: 3 })
    const open = handlerKind.open({ deadlineSeconds: 30 }, context)
    expect(await open.send(message, never)).toBe(delivered)
    expect(calls).toEqual([
      {
        destination: 'crm',
        deliveryId: 'dlv_1',
        event: message.event,
        call: message.call,
        outcome: { priority: 'urgent' },
        attempt: 3,
      },
    ])
    await open.close()
  })

  test('one that does not end by its deadline is told so, and tried again', async () => {
    const open = handlerKind.open({ deadlineSeconds: 0.02 }, contextWith(untilAborted))
    expect(await open.send(sampleMessage(), never)).toEqual({
      ...delivered,
      verdict: 'retry',
      cause: 'timeout',
      message: 'the handler did not end within 0.02 s',
    })
  })

  test('a stop ends it with its own reason', async () => {
    const ending = new AbortController()
    const stopped = new Error('the node stops')
    const open = handlerKind.open({ deadlineSeconds: 30 }, contextWith(untilAborted))
    const sent = open.send(sampleMessage(), ending.signal)
    ending.abort(stopped)
    await expect(sent).rejects.toBe(stopped)
  })

  test('it reads the call, has no secrets and takes no template', async () => {
    expect(handlerKind.reads({ deadlineSeconds: 30 }, false)).toBe('call')
    expect(handlerKind.secrets).toEqual([])
    expect(handlerKind.template).toBeNull()
    expect(await handlerKind.check({ deadlineSeconds: 30 }, contextWith(untilAborted))).toBeNull()
  })

  test('its deadline is 30 seconds, and 15 minutes at most', () => {
    expect(handlerKind.settings.parse({})).toEqual({ deadlineSeconds: 30 })
    expect(handlerKind.settings.parse({ deadlineSeconds: 900 })).toEqual({ deadlineSeconds: 900 })
    for (const deadlineSeconds of [0, -1, 901, '30', null]) {
      expect(handlerKind.settings.safeParse({ deadlineSeconds }).error?.issues).toMatchObject([
        { path: ['deadlineSeconds'], message: 'a number of seconds from 1 to 900' },
      ])
    }
  })

  test('the function of the config file is typed by what the handler expects', () => {
    interface Outcome {
      priority?: 'urgent' | 'normal'
    }
    const run = ({ outcome, event, call, signal, attempt, log }: HandlerContext<Outcome>): void => {
      log.info('called', { priority: outcome.priority ?? null, type: event.type, call: call.callId, attempt })
      signal.throwIfAborted()
    }
    const config = handler<Outcome>({
      name: 'crm',
      events: ['call.ended'],
      lane: { path: 'call.userNumber' },
      run,
    })
    expect(config).toEqual({
      kind: 'handler',
      name: 'crm',
      events: ['call.ended'],
      lane: { path: 'call.userNumber' },
      settings: {},
      run,
    })
  })
})
