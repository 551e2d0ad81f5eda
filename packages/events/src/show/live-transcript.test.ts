import { expect, test } from 'vitest'
import type { CallPart } from '../call.ts'
import type { Turn } from '../event.ts'
import { assembleLive } from './live-transcript.ts'

/** `A: text` and `U: text`, as lists (an array) or deltas (a string), one after another. */
function assemble(...updates: (string | string[])[]): string[] {
  const parts = updates.map((update, at): CallPart & { kind: 'live' } => {
    const turns = (typeof update === 'string' ? [update] : update).map((line): Turn => {
      return { speaker: line.slice(0, 1), text: line.slice(3), at: null }
    })
    return { kind: 'live', at, seq: at, data: { form: typeof update === 'string' ? 'delta' : 'list', turns } }
  })
  return assembleLive(parts.toReversed()).map(({ speaker, text }) => `${speaker}: ${text}`)
}

test('two equal deltas both stay — people say yes twice', () => {
  expect(assemble('U: yes', 'U: yes')).toEqual(['U: yes', 'U: yes'])
})

test('a list of all turns so far takes their place', () => {
  expect(assemble(['A: a'], ['A: a', 'U: b'], ['A: a', 'U: b', 'A: c'])).toEqual(['A: a', 'U: b', 'A: c'])
})

test('the last turn of a list may have grown, or been revised', () => {
  expect(assemble(['A: he'], ['A: hello', 'U: b'])).toEqual(['A: hello', 'U: b'])
  expect(assemble(['A: a', 'U: two'], ['A: a', 'U: to be', 'A: c'])).toEqual(['A: a', 'U: to be', 'A: c'])
})

test('an older, shorter list changes nothing — a transcript never shrinks', () => {
  const all = ['A: a', 'U: b', 'A: c', 'U: d']
  expect(assemble(all, all.slice(0, 3), all.slice(0, 2), all.slice(0, 1))).toEqual(all)
  expect(assemble(['A: a', 'U: b', 'A: hello'], ['A: a', 'U: b', 'A: he'])).toEqual([
    'A: a',
    'U: b',
    'A: hello',
  ])
})

test('of two forms of the last turn the longer stays while there is no turn after it', () => {
  expect(assemble(['A: a', 'U: hello'], ['A: a', 'U: hi'])).toEqual(['A: a', 'U: hello'])
  expect(assemble(['A: a', 'U: hello'], ['A: a', 'U: hi', 'A: b'])).toEqual(['A: a', 'U: hi', 'A: b'])
})

test('the same words by other speakers are another list', () => {
  expect(assemble(['A: a', 'U: b', 'A: c'], ['U: a', 'A: b', 'A: c', 'U: d'])).toHaveLength(7)
})

test('lists of only what is new are appended', () => {
  expect(assemble(['A: a', 'U: b'], ['A: c', 'U: b'], ['A: c'])).toEqual([
    'A: a',
    'U: b',
    'A: c',
    'U: b',
    'A: c',
  ])
})

test('a list that holds what deltas brought takes their place, and deltas go on after it', () => {
  expect(assemble('A: a', 'U: b', ['A: a', 'U: b'], 'A: c')).toEqual(['A: a', 'U: b', 'A: c'])
  expect(assemble(['A: a', 'U: b', 'A: c'], 'U: d', ['A: a', 'U: b', 'A: c', 'U: d', 'A: e'])).toEqual([
    'A: a',
    'U: b',
    'A: c',
    'U: d',
    'A: e',
  ])
})

test('two questions of the same words are two questions — only a third equal place makes it the same list', () => {
  expect(assemble(['A: there?', 'U: yes'], ['A: again', 'U: no'], ['A: there?', 'U: yes'])).toEqual([
    'A: there?',
    'U: yes',
    'A: again',
    'U: no',
  ])
  expect(assemble('U: hm', ['A: there?', 'U: yes'], ['A: there?', 'U: yes'])).toHaveLength(5)
})
