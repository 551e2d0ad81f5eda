import { expect, test } from 'vitest'
import { Chance } from './chance.ts'
import { Schedule } from './schedule.ts'

test('things happen in the order of their time, and those of one time as they were planned', async () => {
  const schedule = new Schedule(1_000)
  const chance = new Chance('order')
  const planned = Array.from({ length: 200 }, (_, number) => ({ number, at: chance.between(0, 40) }))
  const happened: { number: number; at: number }[] = []
  for (const { number, at } of planned) {
    schedule.after(at, () => happened.push({ number, at: schedule.elapsed }))
  }
  expect(await schedule.run(() => false, 2_000)).toBe(false)
  expect(happened).toEqual(planned.toSorted((one, other) => one.at - other.at || one.number - other.number))
  expect(schedule.now).toBe(2_000)
})

test('what one thing starts has come to its next wait before another happens', async () => {
  const schedule = new Schedule(0)
  const told: string[] = []
  schedule.after(1, () => {
    setImmediate(() => told.push('end of the turn'))
    void (async () => {
      for (let step = 0; step < 20; step += 1) await Promise.resolve()
      told.push('promises')
    })()
  })
  schedule.after(1, () => told.push('second'))
  await schedule.run(() => false, 10)
  expect(told).toEqual(['promises', 'end of the turn', 'second'])
})

test('what is called off does not happen, and a run ends where it is done', async () => {
  const schedule = new Schedule(0)
  const told: number[] = []
  const cancel = schedule.after(5, () => told.push(5))
  schedule.after(3, () => {
    told.push(3)
    cancel()
  })
  schedule.after(7, () => told.push(7))
  schedule.after(9, () => told.push(9))
  expect(await schedule.run(() => told.includes(7), 100)).toBe(true)
  expect(told).toEqual([3, 7])
  expect(schedule.now).toBe(7)
})

test('a stream of chance is the same for the same name, and another for another', () => {
  const draw = (chance: Chance): number[] => Array.from({ length: 50 }, () => chance.between(0, 1_000_000))
  expect(draw(new Chance('a').of('b'))).toEqual(draw(new Chance('a').of('b')))
  expect(draw(new Chance('a').of('b'))).not.toEqual(draw(new Chance('a').of('c')))
})
