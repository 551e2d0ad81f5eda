import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import type { Host } from '../host.ts'
import { firstStopSignal } from './stop-signals.ts'

function start() {
  const exits: number[] = []
  let nowMs = 10_000
  const signals = new EventEmitter()
  const host = Object.assign(signals, { exit: (code: number) => exits.push(code) })
  return {
    exits,
    first: firstStopSignal(host as unknown as Host, () => nowMs),
    send: (signal: NodeJS.Signals, afterMs: number) => {
      nowMs += afterMs
      signals.emit(signal)
    },
  }
}

test('the first signal begins the stop, its repeat is the same one - npm passes on what the group has had', async () => {
  const { first, send, exits } = start()
  send('SIGTERM', 0)
  await first
  send('SIGTERM', 1_999)
  send('SIGINT', 0)
  expect(exits).toEqual([])
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('a later %s ends at once with %i - somebody is tired of waiting', async (signal, code) => {
  const { first, send, exits } = start()
  send('SIGTERM', 0)
  await first
  send(signal, 2_000)
  expect(exits).toEqual([code])
})
