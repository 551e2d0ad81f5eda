import { expect, test } from 'vitest'
import { acceptedBody, duplicateBody, ingestAnswers, invalidPayload } from './ingest-answers.ts'

test('the answers are those of the contract, and their codes are their names', () => {
  const table = Object.entries(ingestAnswers).map(([code, { status, headers, body }]) => {
    expect(JSON.parse(body)).toMatchObject({ code })
    const { 'content-type': type, ...rest } = headers
    expect(type).toBe('application/json')
    return [status, code, rest]
  })
  expect(table).toEqual([
    [401, 'unauthorized', { 'www-authenticate': 'Bearer' }],
    [404, 'not_found', {}],
    [405, 'method_not_allowed', { allow: 'POST' }],
    [408, 'request_timeout', {}],
    [413, 'payload_too_large', {}],
    [415, 'unsupported_encoding', { 'accept-encoding': 'identity' }],
    [503, 'unavailable', { 'retry-after': '2' }],
  ])
  expect(ingestAnswers.unauthorized.body).toBe('{"error":"Unauthorized","code":"unauthorized"}')
})

test('a 400 names everything that is wrong', () => {
  const issues = [{ path: 'callId', message: 'is missing' }]
  expect(invalidPayload(issues)).toMatchObject({
    status: 400,
    body: '{"error":"Invalid payload","code":"invalid_payload","issues":[{"path":"callId","message":"is missing"}]}',
  })
})

test('the bodies of a 200 are the documented JSON', () => {
  expect(acceptedBody('evt_1')).toBe('{"received":true,"id":"evt_1"}')
  expect(duplicateBody('evt_1')).toBe('{"received":true,"duplicate":true,"id":"evt_1"}')
})
