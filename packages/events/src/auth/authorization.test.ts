import { expect, test } from 'vitest'
import { authorizationHeader, normalizeSecret, secretCandidates } from './authorization.ts'
import { constantTimeEqual } from './constant-time.ts'

test.each([
  ['Bearer X', ['X', 'Bearer X']],
  ['bearer X', ['X', 'bearer X']],
  ['Token X', ['X', 'Token X']],
  ['bearer Bearer X', ['X', 'Bearer X', 'bearer Bearer X']],
  ['  Bearer \t X  ', ['X', 'Bearer \t X']],
  ['X', ['X']],
  ['BearerX', ['BearerX']],
  ['Basic dXNlcjpw', ['Basic dXNlcjpw']],
  ['Bearer', ['Bearer']],
  ['   ', []],
  [undefined, []],
])('%j may mean %j', (header, candidates) => {
  expect(secretCandidates(header)).toEqual(candidates)
})

test('a header of nothing but schemes is worth four hashes, not a thousand', () => {
  expect(secretCandidates('Bearer '.repeat(1000) + 'X')).toHaveLength(4)
})

test('what the platform sends for any way of filling in its two fields is found again', () => {
  for (const [key, secret] of [
    ['Bearer', 'X'],
    ['bearer', 'Bearer X'],
    ['Token', 'X'],
    ['', 'X'],
    ['Bearer', ' X'],
  ] as const) {
    expect(secretCandidates(authorizationHeader(key, secret))).toContain(normalizeSecret(secret))
  }
})

test('a configured secret is trimmed, and a leading Bearer is not part of it', () => {
  expect(normalizeSecret(' Bearer  sk_live_abc \n')).toBe('sk_live_abc')
  expect(normalizeSecret('bearer-of-news')).toBe('bearer-of-news')
})

test('equality is of length and every byte', () => {
  const a = Uint8Array.from([1, 2, 3])
  expect(constantTimeEqual(a, Uint8Array.from([1, 2, 3]))).toBe(true)
  expect(constantTimeEqual(a, Uint8Array.from([1, 2, 4]))).toBe(false)
  expect(constantTimeEqual(a, Uint8Array.from([0, 2, 3]))).toBe(false)
  expect(constantTimeEqual(a, Uint8Array.from([1, 2]))).toBe(false)
  expect(constantTimeEqual(a, Uint8Array.from([1, 2, 3, 0]))).toBe(false)
  expect(constantTimeEqual(new Uint8Array(), new Uint8Array())).toBe(true)
})
