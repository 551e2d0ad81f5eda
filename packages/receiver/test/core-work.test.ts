import { createReceiver, Rejected, type Handler, type QueuedEvent } from '@hookswitch/receiver'
import { expect, test, vi } from 'vitest'
import { ended, listening, request } from './core-requests.ts'

// What the worker of a queue does with what the receiver has put there.

async function queuedOne(body: unknown = ended()): Promise<QueuedEvent> {
  const added: QueuedEvent[] = []
  const { fetch } = listening({ on: { '*': () => {} }, queue: { add: async (event) => added.push(event) } })
  await fetch(request(body, { headers: { 'webhook-id': 'evt_1', 'hookswitch-test': 'true' } }))
  // As it comes out of a queue.
  return JSON.parse(JSON.stringify(added[0])) as QueuedEvent
}

test('the handler gets the same event as without a queue, and how often it was tried', async () => {
  const direct = vi.fn<Handler>()
  await listening({ on: { '*': direct }, now: () => 1e12 }).fetch(
    request(ended(), { headers: { 'webhook-id': 'evt_1', 'hookswitch-test': 'true' } }),
  )
  const worked = vi.fn<Handler>()
  const { process, told } = listening({ on: { '*': worked } })
  const { signal } = new AbortController()
  await process(await queuedOne(), { signal, attempt: 3 })
  const [[expected] = []] = direct.mock.calls
  const [[got] = []] = worked.mock.calls
  expect({ ...got?.event, receivedAt: expected?.event.receivedAt }).toEqual(expected?.event)
  expect([got?.signal, got?.attempt]).toEqual([signal, 3])
  expect(told.log).toMatchObject([{ event: 'accepted', type: 'call.ended', callId: 'call_1', id: 'evt_1' }])
  expect(told.log[0]).not.toHaveProperty('status')
})

test('it rejects with what the handler throws, so that the queue tries again, or does not', async () => {
  for (const error of [new Error('no such row'), new Rejected('never')]) {
    const { process, told } = listening({ on: { '*': () => Promise.reject(error) } })
    await expect(process(await queuedOne())).rejects.toBe(error)
    expect(told.log).toMatchObject([{ level: 'error', event: 'failed' }])
    // The queue tells of it.
    expect(told.errors).toEqual([])
  }
})

test('a handler is not begun for a job that was cancelled', async () => {
  const handler = vi.fn<Handler>()
  const { process } = listening({ on: { '*': handler } })
  const reason = new Error('the worker stops')
  await expect(process(await queuedOne(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(handler).not.toHaveBeenCalled()
})

test('what no receiver has queued, or has no handler here, is refused - to resolve would lose it', async () => {
  const { process } = createReceiver({ secrets: 'X', on: { 'call.started': () => {} } })
  const queued = await queuedOne()
  await expect(process(queued)).rejects.toThrow('this receiver has no handler for call.ended')
  await expect(process({ ...queued, version: 2 as 1 })).rejects.toThrow('not of version 1')
  for (const body of ['', '{}', '[1]', '{"eventType":"call.ended"}']) {
    await expect(process({ ...queued, body })).rejects.toThrow('the body of the queued event holds no event')
  }
})
