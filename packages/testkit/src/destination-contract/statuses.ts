import { expect } from 'vitest'
import { answers } from './misbehave.ts'
import type { DestinationCase } from './suite.ts'

const successes = [201, 202, 204]
const refusals = [301, 302, 304, 400, 401, 403, 404, 408, 409, 410, 413, 422, 425, 429]
const breakdowns = [500, 502, 503, 504]
const statuses = [...successes, ...refusals, ...breakdowns]

export const statusCases: DestinationCase[] = [
  {
    name: 'what the service takes is delivered, with one request that says who sent it',
    async run({ accepts, peer, send }) {
      const service = await peer(answers(accepts))
      const result = await send(service.url)
      expect(result).toMatchObject({
        verdict: 'delivered',
        status: accepts.status,
        cause: null,
        retryAfterMs: null,
      })
      expect(service.requests).toHaveLength(1)
      expect(service.requests[0]?.headers['user-agent']).toBe('Hookswitch/0.0.0')
      expect(service.requests[0]?.body.byteLength, 'the trace tells the size').toBe(result.request?.bodyBytes)
    },
  },
  ...statuses.map(
    (status) =>
      ({
        name: `status ${status} has its verdict - one table for all kinds`,
        async run({ peer, send, verdictOf }) {
          const service = await peer(answers({ status }))
          expect(await send(service.url)).toMatchObject({
            verdict: verdictOf(status),
            status,
            retryAfterMs: null,
          })
          expect(service.requests, 'a try is one request').toHaveLength(1)
        },
      }) satisfies DestinationCase,
  ),
  {
    name: '429 with Retry-After in seconds says when to come back',
    async run({ peer, send }) {
      const service = await peer(answers({ status: 429, headers: { 'retry-after': '17' } }))
      expect(await send(service.url)).toMatchObject({ verdict: 'retry', status: 429, retryAfterMs: 17_000 })
    },
  },
  {
    name: '503 with Retry-After as a date says so too - counted from the date of the answer',
    async run({ peer, send }) {
      const headers = {
        date: 'Thu, 15 Jan 2026 12:00:00 GMT',
        'retry-after': 'Thu, 15 Jan 2026 12:01:00 GMT',
      }
      const service = await peer(answers({ status: 503, headers }))
      expect(await send(service.url)).toMatchObject({ verdict: 'retry', status: 503, retryAfterMs: 60_000 })
    },
  },
  {
    name: 'a redirect is not followed - nobody checked where it leads',
    async run({ peer, send, verdictOf }) {
      const elsewhere = await peer(answers({ status: 200 }))
      for (const status of [301, 302, 303, 307, 308]) {
        const location = `${elsewhere.url}/moved?signed=a-signature-of-theirs`
        const service = await peer(answers({ status, headers: { location } }))
        const result = await send(service.url)
        expect(result).toMatchObject({ verdict: verdictOf(status), status })
        expect(result.message, 'it says where it was to go').toContain(elsewhere.url)
        expect(JSON.stringify(result), 'but not with what signature').not.toContain('a-signature-of-theirs')
      }
      expect(elsewhere.connections()).toBe(0)
    },
  },
]
