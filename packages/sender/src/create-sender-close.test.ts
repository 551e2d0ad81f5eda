import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { event, heldAnswers, manualTimers, numbered, peerThat, senderTo } from '../test/sent-events.ts'
import { createSender } from './create-sender.ts'

describe('close', () => {
  test('waits for what is queued, and takes nothing more', async () => {
    const { answer, letGo } = heldAnswers()
    const peer = await peerThat(answer)
    const sender = senderTo(peer)
    const results = [sender.send(numbered('a', 1)), sender.send(numbered('a', 2))]
    const closed = sender.close()
    await expect(sender.send(numbered('b', 1))).rejects.toMatchObject({
      code: 'closed',
      message: 'the sender is closed',
    })
    await peer.reached(1)
    letGo()
    await peer.reached(2)
    letGo()
    await closed
    expect(await Promise.all(results)).toMatchObject([{ ok: true }, { ok: true }])
  })

  test('gives up after drainMs: the try that is under way, the wait, and what has not begun', async () => {
    const peer = await peerThat((request, response) => {
      if (String(request.body).includes('"callId":"failing"')) {
        response.writeHead(503, { connection: 'close' }).end()
      }
    })
    const { timers, pass, waits } = manualTimers()
    const failed = Promise.withResolvers<void>()
    const sender = senderTo(peer, { timers, onAttempt: () => failed.resolve() })
    const results = ['hanging', 'hanging', 'failing'].map((callId, number) =>
      sender.send(numbered(callId, number)),
    )
    await peer.reached(2)
    await failed.promise
    const closed = sender.close({ drainMs: 300 })
    await pass(300)
    await closed
    expect(await Promise.all(results)).toMatchObject([
      { cause: 'closed', attempts: 1, message: 'the sender was closed before the answer came' },
      { cause: 'closed', attempts: 0, message: 'the sender was closed before the first try' },
      {
        cause: 'closed',
        attempts: 1,
        status: 503,
        message:
          'the sender was closed before another try; the last one: 503: the endpoint cannot take it now',
      },
    ])
    expect(peer.requests).toHaveLength(2)
    expect(waits()).toEqual([])
    await peer.deserted()
  })

  test('may be called again with less time, and by an AbortSignal', async () => {
    const peer = await peerThat(() => {})
    const patient = senderTo(peer)
    const one = patient.send(event('a'))
    await peer.reached(1)
    const closed = patient.close({ drainMs: 1_000_000 })
    await patient.close({ drainMs: 0 })
    await closed
    expect(await one).toMatchObject({ ok: false, cause: 'closed' })

    const controller = new AbortController()
    const aborted = senderTo(peer, { signal: controller.signal })
    const other = aborted.send(event('a'))
    await peer.reached(2)
    controller.abort()
    expect(await other).toMatchObject({ ok: false, cause: 'closed' })
    await expect(aborted.send(event('a'))).rejects.toMatchObject({ code: 'closed' })
    await expect(senderTo(peer, { signal: AbortSignal.abort() }).send(event('a'))).rejects.toThrow(
      'the sender is closed',
    )
  })

  test('leaves the signal alone once all is through, and not before - one signal may outlive many senders', async () => {
    const { answer, letGo } = heldAnswers()
    const peer = await peerThat(answer)
    const { signal } = new AbortController()
    const listeners = (): number => getEventListeners(signal, 'abort').length
    const sender = senderTo(peer, { signal })
    const result = sender.send(event('a'))
    await peer.reached(1)
    const closed = sender.close()
    expect(listeners(), 'an abort still cuts the drain short').toBe(1)
    letGo()
    await closed
    expect(await result).toMatchObject({ ok: true })
    expect(listeners()).toBe(0)
  })

  test.each([-1, 0.5, Infinity, NaN])('refuses to wait for %o ms', async (drainMs) => {
    await expect(createSender({ url: 'https://example.com/hook' }).close({ drainMs })).rejects.toThrow(
      `drainMs is ${drainMs}, expected a whole number from 0 to 2147483647`,
    )
  })
})
