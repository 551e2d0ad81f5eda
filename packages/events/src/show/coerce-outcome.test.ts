import { expect, test } from 'vitest'
import { coerceOutcome, coerceValue } from './coerce-outcome.ts'

test.each([
  ['80000', 'number', 80000],
  [' 3.5 ', 'number', 3.5],
  ['-2', 'integer', -2],
  ['1e3', 'number', 1000],
  ['٣٥', 'integer', 35],
  ['۲٫۵', 'number', 2.5],
  ['١٬٠٠٠', 'integer', 1000],
  ['yes', 'boolean', true],
  [' No ', 'boolean', false],
  ['TRUE', 'boolean', true],
  ['0', 'boolean', false],
  [1, 'boolean', true],
  ['١', 'boolean', true],
  ['نعم', 'boolean', true],
  ['لا', 'boolean', false],
  [80000, 'string', '80000'],
  [false, 'string', 'false'],
  ['["sql","go"]', 'array', ['sql', 'go']],
  ['{"a":1}', 'object', { a: 1 }],
  ['7', ['null', 'number'], 7],
])('%j reads as %j', (raw, type, value) => {
  expect(coerceValue(raw, { type })).toEqual({ value, raw })
})

test.each([
  ['', 'string'],
  ['7', ['string', 'number']],
  [0, 'number'],
  [3, 'integer'],
  [false, 'boolean'],
  [[], 'array'],
  ['anything', undefined],
])('%j fits %j as it is — nothing is raw then', (value, type) => {
  expect(coerceValue(value, type === undefined ? {} : { type })).toEqual({ value })
})

test.each([
  ['', 'number', 'is a string that does not read as number'],
  ['80,000', 'number', 'is a string that does not read as number'],
  ['3.5', 'integer', 'is a string that does not read as integer'],
  [3.5, 'integer', 'is a number that does not read as integer'],
  ['12345678901234567890', 'number', 'is a string that does not read as number'],
  ['1e999', 'number', 'is a string that does not read as number'],
  ['maybe', 'boolean', 'is a string that does not read as boolean'],
  [2, 'boolean', 'is a number that does not read as boolean'],
  ['{"a":1}', 'array', 'is a string that does not read as array'],
  [`${'['.repeat(100)}${']'.repeat(100)}`, 'array', 'is a string that does not read as array'],
  [{}, 'string', 'is an object that does not read as string'],
  ['x', ['number', 'null'], 'is a string that does not read as number or null'],
])('%j is left as it came where %j is expected, and reported', (value, type, issue) => {
  expect(coerceValue(value, { type })).toEqual({ value, issue })
})

test('null stays null whatever the schema wants — the caller did not say', () => {
  expect(coerceValue(null, { type: 'number' })).toEqual({ value: null })
})

test('a value outside an enum is reported without being quoted', () => {
  const schema = { enum: ['urgent', 'normal'] }
  expect(coerceValue('urgent', schema)).toEqual({ value: 'urgent' })
  expect(coerceValue('Secret', schema)).toEqual({
    value: 'Secret',
    issue: 'is none of the 2 values that the schema lists',
  })
  expect(coerceValue('2', { enum: [1, 2] })).toEqual({ value: 2, raw: '2' })
  expect(coerceValue('٢', { type: 'integer', enum: [1, 2] })).toEqual({ value: 2, raw: '٢' })
})

test('members and items are coerced too, also inside JSON in a string', () => {
  const schema = { type: 'object', properties: { ages: { type: 'array', items: { type: 'integer' } } } }
  expect(coerceValue('{"ages":["1",2],"other":"3"}', schema)).toEqual({
    value: { ages: [1, 2], other: '3' },
    raw: '{"ages":["1",2],"other":"3"}',
  })
  expect(coerceValue({ ages: [1, 'x'] }, schema)).toEqual({
    value: { ages: [1, 'x'] },
    issue: '.ages[1] is a string that does not read as integer',
  })
})

test('fields without a schema, and fields with the names of an object’s own, come through', () => {
  const outcome = JSON.parse('{"__proto__":"1","constructor":"2","free":"3"}') as Record<string, unknown>
  const properties = JSON.parse('{"__proto__":{"type":"number"}}') as Record<string, unknown>
  const coerced = coerceOutcome(outcome, { properties })
  expect(Object.getOwnPropertyDescriptor(coerced, '__proto__')?.value).toEqual({ value: 1, raw: '1' })
  expect(coerced['constructor']).toEqual({ value: '2' })
  expect(coerced['free']).toEqual({ value: '3' })
})
