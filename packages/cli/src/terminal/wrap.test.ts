import { expect, test } from 'vitest'
import { fitColumns } from './width.ts'
import { wrapText } from './wrap.ts'

test('text breaks at blanks, and a word that is too long stands alone - a URL that is cut cannot be opened', () => {
  expect(wrapText('one two three https://example.com/a/b four', 9)).toEqual([
    'one two',
    'three',
    'https://example.com/a/b',
    'four',
  ])
  expect(wrapText('', 9)).toEqual([''])
})

test('what is cut never loses half a letter - a family is one emoji of seven code points', () => {
  expect(fitColumns('ab👨‍👩‍👧‍👦cd', 5)).toBe('ab👨‍👩‍👧‍👦…')
  expect(fitColumns('ab👨‍👩‍👧‍👦cd', 4)).toBe('ab…')
  expect(fitColumns('abcd', 4)).toBe('abcd')
})
