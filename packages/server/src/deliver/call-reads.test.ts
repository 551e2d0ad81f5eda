import { foldCall, readEnvelope, readFacts } from '@hookswitch/events'
import { expect, test } from 'vitest'
import { CallReads } from './call-reads.ts'

function storedCall() {
  const body = { eventType: 'call.ended', callId: 'call-1', data: { data: { outcomeResult: { a: 1 } } } }
  const read = readEnvelope(body)
  if (!read.ok) throw new Error('no event')
  const { envelope } = read
  const { head, put } = foldCall(null, [
    { seq: 1, receivedAt: 0, source: 'hamsa', envelope, facts: readFacts(envelope, body) },
  ])
  return { head, parts: put }
}

test('tries that begin together share one reading, and a later one reads anew - the call may have gone on', async () => {
  let now = 1_000
  let readings = 0
  const store = {
    getCall: () => {
      readings += 1
      return Promise.resolve(storedCall())
    },
  }
  const calls = new CallReads(
    store,
    () => Promise.resolve({}),
    () => now,
  )
  const together = await Promise.all([calls.get('call-1', 990), calls.get('call-1', 995)])
  expect(together[0]).toBe(together[1])
  expect(together[0]?.outcome).toEqual({ a: 1 })
  expect(readings).toBe(1)
  now = 1_050
  await calls.get('call-1', 1_001)
  expect(readings).toBe(2)
})

test('what could not be read is read again', async () => {
  let fails = true
  const calls = new CallReads(
    { getCall: () => (fails ? Promise.reject(new Error('away')) : Promise.resolve(null)) },
    () => Promise.resolve({}),
    () => 5,
  )
  await expect(calls.get('call-1', 0)).rejects.toThrow('away')
  fails = false
  expect(await calls.get('call-1', 0)).toBeNull()
})
