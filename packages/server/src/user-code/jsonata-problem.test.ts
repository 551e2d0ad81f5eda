import { describe, expect, test } from 'vitest'
import { jsonataBytesMax, jsonataProblem } from './jsonata-problem.ts'

describe('what is wrong with an expression', () => {
  test.each([
    "outcome.priority = 'urgent' or outcome.resolved = false",
    'call.transcript[speaker = "User"].text ~> /refund|money back/i',
    '`é` = "\\u00fc"',
    'a'.repeat(jsonataBytesMax),
  ])('nothing: %.60s', (expression) => {
    expect(jsonataProblem(expression)).toBeNull()
  })

  test.each([
    ['outcome.priority = ', 1, 20, 'Unexpected end of expression'],
    ['a b', 1, 3, 'Syntax error: "b"'],
    ['a\n.b\n)', 3, 1, 'Syntax error: ")"'],
    ['a\r\n  = = b', 2, 5, 'The symbol "=" cannot be used as a unary operator'],
    ['!resolved', 1, 1, 'Unknown operator: "!"'],
    ["priority = 'urgent' or not resolved", 1, 28, 'Syntax error: "resolved"'],
    ['$f(1', 1, 5, 'Expected ")" before end of expression'],
    ['text ~> /(/', 1, 12, 'No terminating / in regular expression'],
    ['a and text ~> /a{2,1}/', 1, 15, expect.stringContaining('numbers out of order')],
    ['', 1, 1, 'Unexpected end of expression'],
    ['"é" = "é" )', 1, 11, 'Syntax error: ")"'],
    ['a.%.%.%', 1, 1, expect.stringContaining("'parent'")],
  ])('%j: line %i, column %i', (expression, line, column, message) => {
    const problem = jsonataProblem(expression)
    expect(problem).toEqual({ position: problem?.position, line, column, message })
    const before = expression.slice(0, problem?.position).split('\n')
    expect([before.length, (before.at(-1)?.length ?? 0) + 1]).toEqual([line, column])
  })

  test('it is too long - by bytes, which is what is kept', () => {
    expect(jsonataProblem('"' + 'é'.repeat(jsonataBytesMax / 2) + '"')).toEqual({
      position: 0,
      line: 1,
      column: 1,
      message: '16386 bytes, expected at most 16384',
    })
  })

  test.each([['('], ['['], ['-'], ['a.'], ['1+']])('it is %s without end', (piece) => {
    const expression = piece.repeat(jsonataBytesMax / piece.length)
    expect(jsonataProblem(expression)?.message).toBe('it is nested too deeply')
  })
})
