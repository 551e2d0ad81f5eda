import { expect, test } from 'vitest'
import { judgeStatus } from './verdict.ts'

const table: Record<string, number[]> = {
  delivered: [200, 201, 202, 204, 206, 299],
  retry: [408, 425, 429, 500, 501, 502, 503, 504, 507, 511, 599],
  auth: [401, 403],
  gone: [410],
  reject: [
    300, 301, 302, 303, 304, 307, 308, 400, 402, 404, 405, 406, 407, 409, 411, 413, 415, 421, 422, 451,
  ],
}

test.each(Object.entries(table))('these statuses are %s - the documented table', (verdict, statuses) => {
  for (const status of statuses) expect(judgeStatus(status), `status ${status}`).toBe(verdict)
})

test('a status outside of HTTP is tried again - it says nothing about the event', () => {
  for (const status of [100, 103, 199, 600, 999])
    expect(judgeStatus(status), `status ${status}`).toBe('retry')
})
