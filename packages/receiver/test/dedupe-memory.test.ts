import { expect, test } from 'vitest'
import { memoryDedupe, type MemoryDedupeOptions } from '../src/dedupe/memory-dedupe.ts'
import type { Dedupe } from '../src/dedupe/dedupe.ts'

const leaseMs = 30_000
const windowMs = 86_400_000

async function handle(dedupe: Dedupe, key: string): Promise<void> {
  const claim = await dedupe.claim(key, leaseMs)
  if (claim.state !== 'claimed') throw new Error(`${key} is ${claim.state}`)
  expect(await dedupe.done(key, claim.token, windowMs)).toBe(true)
}

async function states(dedupe: Dedupe, keys: string[]): Promise<string[]> {
  const found: string[] = []
  for (const key of keys) found.push((await dedupe.claim(key, leaseMs)).state)
  return found
}

test('leases and windows end to the millisecond', async () => {
  let ms = 0
  const dedupe = memoryDedupe({ now: () => ms })
  await dedupe.claim('held', leaseMs)
  ms = leaseMs - 1
  expect(await dedupe.claim('held', leaseMs)).toEqual({ state: 'busy', retryAfterMs: 1 })
  ms = leaseMs
  await handle(dedupe, 'held')
  ms += windowMs - 1
  expect(await dedupe.claim('held', leaseMs)).toEqual({ state: 'done' })
  ms += 1
  expect((await dedupe.claim('held', leaseMs)).state).toBe('claimed')
})

test('where there is no room, what was handled first is forgotten first', async () => {
  const dedupe = memoryDedupe({ entriesMax: 3 })
  for (const key of ['a', 'b', 'c', 'd']) await handle(dedupe, key)
  expect(await states(dedupe, ['b', 'c', 'd'])).toEqual(['done', 'done', 'done'])
  expect(await states(dedupe, ['a', 'c', 'd'])).toEqual(['claimed', 'done', 'done'])
})

test('a claim that is held is never forgotten - where there is room for nothing else, the next one is refused', async () => {
  let ms = 0
  const dedupe = memoryDedupe({ entriesMax: 3, now: () => ms })
  const first = await dedupe.claim('a', leaseMs)
  await dedupe.claim('b', leaseMs)
  await handle(dedupe, 'c')
  expect(await states(dedupe, ['d', 'a', 'b'])).toEqual(['claimed', 'busy', 'busy'])
  await expect(dedupe.claim('e', leaseMs)).rejects.toThrow(
    'memoryDedupe: 3 events are being handled, and entriesMax is 3',
  )
  expect(await states(dedupe, ['a', 'b', 'd'])).toEqual(['busy', 'busy', 'busy'])
  // What is done makes room, and so does a lease that is over.
  if (first.state === 'claimed') await dedupe.done('a', first.token, windowMs)
  expect(await states(dedupe, ['e', 'b', 'd'])).toEqual(['claimed', 'busy', 'busy'])
  ms = leaseMs
  expect(await states(dedupe, ['f', 'g', 'h'])).toEqual(['claimed', 'claimed', 'claimed'])
})

test('an extended claim does not keep those that are over from making room', async () => {
  let ms = 0
  const dedupe = memoryDedupe({ entriesMax: 2, now: () => ms })
  const kept = await dedupe.claim('kept', leaseMs)
  await dedupe.claim('left', leaseMs)
  ms = leaseMs - 1
  if (kept.state === 'claimed') expect(await dedupe.extend('kept', kept.token, leaseMs)).toBe(true)
  ms = leaseMs
  expect(await states(dedupe, ['new', 'kept'])).toEqual(['claimed', 'busy'])
})

test('it holds what it may and no more, whatever comes and goes', async () => {
  const entriesMax = 1_000
  let ms = 0
  const dedupe = memoryDedupe({ entriesMax, now: () => ms })
  for (let event = 0; event < 20 * entriesMax; event += 1) {
    ms += 1
    await handle(dedupe, `event ${event}`)
    // The last ones are remembered, and the one before them is not.
    if (event % 997 === 0 && event >= entriesMax) {
      const last = Array.from({ length: entriesMax }, (_, back) => `event ${event - back}`)
      expect(new Set(await states(dedupe, last))).toEqual(new Set(['done']))
    }
  }
  const [forgotten] = await states(dedupe, [`event ${19 * entriesMax - 1}`])
  expect(forgotten).toBe('claimed')
})

test('what is over is forgotten as others come - there is no timer', async () => {
  let ms = 0
  const dedupe = memoryDedupe({ entriesMax: 10, now: () => ms })
  for (let event = 0; event < 10; event += 1) await handle(dedupe, `old ${event}`)
  ms = windowMs
  // Ten claims that are held: there is room for all of them only if nothing of the old ones is left.
  for (let event = 0; event < 10; event += 1) {
    expect((await dedupe.claim(`new ${event}`, leaseMs)).state).toBe('claimed')
  }
  await expect(dedupe.claim('one more', leaseMs)).rejects.toThrow('10 events are being handled')
})

test('a wrong bound is refused with what came and what is expected', () => {
  for (const entriesMax of [0, -1, 1.5, Number.NaN, Infinity, '5' as unknown as number]) {
    expect(() => memoryDedupe({ entriesMax })).toThrow(
      new TypeError(`memoryDedupe: entriesMax is ${String(entriesMax)}; expected a whole number from 1`),
    )
  }
})

test('an option that there is not is refused by its name', () => {
  expect(() => memoryDedupe({ entriesmax: 5 } as MemoryDedupeOptions)).toThrow(
    new TypeError('memoryDedupe has no option entriesmax'),
  )
})

test('an option that is undefined is as good as left out - it may come from an environment', async () => {
  const options = { entriesMax: undefined, now: undefined } as unknown as MemoryDedupeOptions
  expect((await memoryDedupe(options).claim('key', leaseMs)).state).toBe('claimed')
})
