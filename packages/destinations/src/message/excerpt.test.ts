import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { excerpt, fittingLines, omittedText } from './excerpt.ts'

describe('an excerpt of a conversation', () => {
  test('keeps all of one that fits', () => {
    expect(excerpt(['a', 'b'], 4, () => 2, 10)).toEqual({ first: ['a', 'b'], omitted: 0, last: [] })
  })

  test('keeps beginning and end of one that does not - the end says what came of it', () => {
    const turns = Array.from({ length: 100 }, (_, index) => `turn ${index}`)
    const { first, omitted, last } = excerpt(turns, 50, () => 5, 10)
    expect(first).toEqual(['turn 0', 'turn 1', 'turn 2', 'turn 3'])
    expect(omitted).toBe(92)
    expect(last).toEqual(['turn 96', 'turn 97', 'turn 98', 'turn 99'])
  })

  test('whatever the turns: it fits, nothing is lost or turned around', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 30 })), fc.nat({ max: 200 }), (costs, max) => {
        const items = costs.map((cost, index) => ({ cost, index }))
        const { first, omitted, last } = excerpt(items, max, ({ cost }) => cost, 12)
        const used = [...first, ...last].reduce((sum, { cost }) => sum + cost, omitted === 0 ? 0 : 12)
        expect(used).toBeLessThanOrEqual(Math.max(max, 12))
        expect(first).toEqual(items.slice(0, first.length))
        expect(last).toEqual(items.slice(items.length - last.length))
        expect(first.length + omitted + last.length).toBe(items.length)
      }),
    )
  })

  test('says how many turns are missing', () => {
    expect(omittedText(1)).toBe('… 1 turn left out …')
    expect(omittedText(17)).toBe('… 17 turns left out …')
  })
})

describe('lines one under the other', () => {
  test('say how many more there are', () => {
    expect(fittingLines(['a', 'b'], 3)).toBe('a\nb')
    expect(
      fittingLines(
        Array.from({ length: 50 }, () => 'x'.repeat(9)),
        50,
      ),
    ).toBe(`${'x'.repeat(9)}\n${'x'.repeat(9)}\n${'x'.repeat(9)}\n… 47 more`)
  })

  test('fit, however long they are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 40 })), fc.integer({ min: 20, max: 300 }), (lines, max) => {
        expect(fittingLines(lines, max).length).toBeLessThanOrEqual(max)
      }),
    )
  })
})
