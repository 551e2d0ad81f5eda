import { expect, test } from 'vitest'
import { readBody } from './body.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function problemOf(body: Uint8Array | string): string | undefined {
  const reading = readBody(typeof body === 'string' ? bytes(body) : body)
  return reading.ok ? undefined : reading.issues.map(({ path, message }) => path + message).join()
}

test('an object is read, its text kept, and a byte order mark is not part of it', () => {
  expect(readBody(bytes('\uFEFF{"a":"é"}'))).toEqual({ ok: true, value: { a: 'é' }, text: '{"a":"é"}' })
})

test.each([
  ['', 'is empty, expected a JSON object'],
  ['[]', 'is an array, expected a JSON object'],
  ['null', 'is null, expected a JSON object'],
  ['"{}"', 'is a string, expected a JSON object'],
  ['7', 'is a number, expected a JSON object'],
  ['true', 'is a boolean, expected a JSON object'],
])('what came is named by its kind: %j', (text, problem) => {
  expect(problemOf(text)).toBe(problem)
})

test.each([
  ['eventType=call.ended', 0],
  ['{"a":}', 5],
  ['{"a" 1}', 5],
  ['{"a":1,}', 7],
  ['{,}', 1],
  ['{a:1}', 1],
  ['[1,]', 3],
  ['[1 2]', 3],
  ['{"a":1}}', 7],
  ['{"a":1]', 6],
  ['{"a":01}', 6],
  ['{"a":-}', 6],
  ['{"a":1.}', 7],
  ['{"a":1e}', 7],
  ['{"a":1e+}', 8],
  ['{"a":+1}', 5],
  ['{"a":nul}', 8],
  ['{"a":NaN}', 5],
  ['{"a":"\\x"}', 7],
  ['{"a":"\\u00zz"}', 10],
  ['{"a":"\t"}', 6],
  ["{'a':1}", 1],
  ['\uFEFF\uFEFF{}', 0],
])('the place of a syntax error is named, in the runtime’s stead: %j', (text, offset) => {
  expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
  expect(problemOf(text)).toBe(
    `is not JSON: unexpected character at offset ${offset} (line 1, column ${offset + 1})`,
  )
})

test('line and column are counted as an editor does', () => {
  expect(problemOf('{\n  "a": 1,\n  b\n}')).toBe(
    'is not JSON: unexpected character at offset 14 (line 3, column 3)',
  )
})

test.each(['{"a":1', '{"a"', '{"a":', '[', '{"a":"b', '{"a":tru', '{"a":-', '{"a":"\\', ' '])(
  'a body that was cut says so: %j',
  (text) => {
    expect(problemOf(text)).toBe(`is not complete JSON: it ends too early, at character ${text.length}`)
  },
)

test.each([
  [[0x7b, 0x22, 0xff], 2],
  [[0x80], 0],
  [[0xc0, 0x80], 0],
  [[0x7b, 0xc3], 1],
  [[0x7b, 0xe0, 0x9f, 0x80], 1],
  [[0x7b, 0xed, 0xa0, 0x80], 1],
  [[0xc3, 0xa9, 0xf4, 0x90, 0x80, 0x80], 2],
  [[0xf0, 0x9f, 0x98, 0x80, 0xf0, 0x8f, 0x80, 0x80], 4],
  [[0xf5, 0x80, 0x80, 0x80], 0],
])('bytes that are not UTF-8 are refused with their offset: %j', (list, offset) => {
  expect(problemOf(Uint8Array.from(list))).toBe(
    `is not UTF-8 from byte offset ${offset} on, expected a JSON object in UTF-8`,
  )
})

test('a refused body does not spoil the next one — the decoder is shared', () => {
  readBody(Uint8Array.from([0xe2, 0x82]))
  expect(readBody(bytes('{"a":"€"}'))).toMatchObject({ ok: true, value: { a: '€' } })
})

test('the last of two equal keys counts, as everywhere in JSON', () => {
  expect(readBody(bytes('{"a":1,"a":2}'))).toMatchObject({ value: { a: 2 } })
})
