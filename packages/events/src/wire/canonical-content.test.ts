import { expect, test } from 'vitest'
import { canonicalContent } from './canonical-content.ts'

const contentOf = (text: string): string | null =>
  canonicalContent(JSON.parse(text) as Record<string, unknown>, text)

test('keys are sorted at every level, and whitespace is left out', () => {
  expect(contentOf('{ "b": [ { "d": 1, "c": null } ], "a": "x y" }')).toBe(
    '{"a":"x y","b":[{"c":null,"d":1}]}',
  )
})

test('names that objects have of themselves are names like others', () => {
  expect(contentOf('{"constructor":1,"__proto__":{"b":1,"a":2}}')).toBe(
    '{"__proto__":{"a":2,"b":1},"constructor":1}',
  )
})

test.each([
  '{"a":1234567890123456}',
  '{"a":12345678.12345678}',
  '{"a":"1234567890123456"}',
  '{"aaaaaaaaaaaaaa":[1,2,0.1234567890123456]}',
  '{"a":1e999}',
  '{"a":-0}',
])('numbers that parsing may change send the bytes to the hash: %s', (text) => {
  expect(contentOf(text)).toBeNull()
})

test.each(['{"a":123456789012345}', '{"a":1234567.12345678}', '{"t":1760000000000,"u":1760000000001}'])(
  'fifteen digits are exact: %s',
  (text) => {
    expect(contentOf(text)).toBe(text)
  },
)

test('a long run of digits is found wherever it begins', () => {
  for (let before = 0; before < 40; before += 1) {
    expect(contentOf(`{"${'x'.repeat(before)}":1234567890123456}`)).toBeNull()
  }
})

test('a value deeper than any body is null instead of a stack overflow', () => {
  const deep = `{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`
  expect(contentOf(deep)).toBeNull()
})
