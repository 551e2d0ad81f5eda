import { expect } from 'vitest'
import { answers, echoes } from './misbehave.ts'
import type { DestinationCase } from './suite.ts'

export const privacyCases: DestinationCase[] = [
  {
    name: 'the settings of the harness are valid, and its secrets are in settings that are secret',
    run({ kind, settings, secrets, given }) {
      const base = 'https://peer.example'
      expect(kind.settings.safeParse(settings(base)).error).toBeUndefined()
      const kept = JSON.stringify(given(base).secret)
      for (const secret of secrets)
        expect(kept, 'it would be shown and stored in the clear').toContain(secret)
      return Promise.resolve()
    },
  },
  {
    name: 'another key in the settings is refused with the known ones',
    run({ kind, settings }) {
      const given = { ...(settings('https://peer.example') as object), colour: 'red' }
      const issues = kind.settings.safeParse(given).error?.issues ?? []
      expect(issues).toMatchObject([{ code: 'unrecognized_keys', keys: ['colour'] }])
      return Promise.resolve()
    },
  },
  {
    name: 'an answer that repeats all it was sent is kept without the secrets in it',
    async run({ peer, send, secrets }) {
      const service = await peer(echoes)
      const result = await send(service.url)
      const sent = JSON.stringify(
        service.requests.map(({ url, headers, body }) => [url, headers, body.toString()]),
      )
      expect(
        secrets.some((secret) => sent.includes(secret)),
        'there was a secret to repeat',
      ).toBe(true)
      expect(result.status).toBe(400)
      expect(JSON.stringify(result), 'nor a cookie of theirs').not.toContain('kept-to-itself')
    },
  },
  {
    name: 'a failure tells the host and never the path, the query or a secret',
    async run({ send, given }) {
      const base = 'https://127.0.0.1:1'
      const { message } = await send(base, { egress: { allow: null } })
      expect(message).toContain('127.0.0.1')
      const urls = JSON.stringify(given(base).all).match(/https:[^"\\]+/g) ?? []
      for (const url of urls) {
        const { pathname } = new URL(url)
        if (pathname !== '/') expect(message).not.toContain(pathname)
      }
    },
  },
  {
    name: 'an answer of any bytes can be kept',
    async run({ peer, send }) {
      const service = await peer((_request, response) => {
        response.writeHead(500, { 'content-type': 'application/octet-stream' })
        response.end(Buffer.from([0, 255, 254, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0, 65]))
      })
      expect((await send(service.url)).response?.body).toMatch(/A$/)
    },
  },
  {
    name: 'the beginning of a long answer is kept, whole characters only',
    async run({ peer, send }) {
      const service = await peer(answers({ status: 500, body: `.${'é'.repeat(10_000)}` }))
      const response = (await send(service.url)).response
      expect(response).toMatchObject({ truncated: true })
      expect(response?.body).toMatch(/^\.é+$/)
    },
  },
]
