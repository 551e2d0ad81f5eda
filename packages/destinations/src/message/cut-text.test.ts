import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutText, ellipsis, jsonUnits, utf16Units, utf8Bytes } from './cut-text.ts'
import { escapeDiscord, escapeHtml, escapeMrkdwn } from './escape-text.ts'

const graphemesOf = (text: string) =>
  [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)].map(({ segment }) => segment)

/** Of what people say and of what breaks cutters: emoji of several code points, marks, Arabic, flags, escapes. */
const pieces = ['a', ' ', '&', '<', '*', '"', 'é', 'e\u0301', '👩‍👩‍👧', '🇸🇦🇪🇬', 'مرحبا', 'ـُ', '𝒳', '中', '\n']
const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((list) => list.join(''))
const sizes = fc.constantFrom(utf16Units, utf8Bytes, jsonUnits)
const writers = fc.constantFrom((text: string) => text, escapeMrkdwn, escapeDiscord, escapeHtml)

describe('cutting a text', () => {
  test('what fits comes through unchanged', () => {
    expect(cutText('المضخة في المبنى الرابع', 23)).toBe('المضخة في المبنى الرابع')
    expect(cutText('', 0)).toBe('')
  })

  test('what was cut says so', () => {
    expect(cutText('one two three', 8)).toBe('one two…')
    expect(cutText('abcdef', 1)).toBe('…')
    expect(cutText('abcdef', 2, { size: utf8Bytes })).toBe('')
  })

  test('a family, a flag and a marked letter are never halved - a reader would see another character', () => {
    expect(cutText('ab👩‍👩‍👧cd', 9)).toBe('ab…')
    expect(cutText('🇸🇦🇪🇬🇦🇪', 6)).toBe('🇸🇦…')
    expect(cutText('ae\u0301bc', 3)).toBe('a…')
    expect(cutText('مرحبا بك', 6)).toBe('مرحبا…')
  })

  test('an escape is never halved - half of one would be shown, or begin another', () => {
    expect(cutText('<<<', 9, { write: escapeMrkdwn })).toBe('&lt;&lt;…')
    expect(cutText('<<<', 8, { write: escapeMrkdwn })).toBe('&lt;…')
  })

  test('whatever the text: it fits, it is a beginning in whole graphemes, and says when it was cut', () => {
    fc.assert(
      fc.property(texts, fc.nat({ max: 80 }), sizes, writers, (text, max, size, write) => {
        const cut = cutText(text, max, { size, write })
        expect(size(cut)).toBeLessThanOrEqual(max)
        expect(cut.isWellFormed()).toBe(true)
        if (size(write(text)) <= max) expect(cut).toBe(write(text))
        else if (cut === '') expect(max).toBeLessThan(size(ellipsis))
        else {
          const beginnings = graphemesOf(text).map(
            (_, count, all) => write(all.slice(0, count).join('').trimEnd()) + ellipsis,
          )
          expect(beginnings).toContain(cut)
        }
      }),
    )
  })

  test('as much as fits is kept', () => {
    fc.assert(
      fc.property(fc.nat({ max: 300 }), (max) => {
        const cut = cutText('x'.repeat(500), max)
        expect(cut).toHaveLength(max)
      }),
    )
  })
})
