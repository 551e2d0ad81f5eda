import { expect } from 'vitest'
import { acceptedHeaders, ingestAnswers, signWebhook } from '@hookswitch/events'
import { nowMs, signingSecret } from './app.ts'
import { eventOf } from './sample-events.ts'
import type { AdapterCase } from './suite.ts'
import { expectAnswer, type SendParts } from './visitor.ts'

/** An event with a signature over bytes that a parser would not write again like that. */
export async function signedEvent(): Promise<SendParts> {
  const body = `${eventOf('call.ended').replace('{', '{ "first": 1.0, ')} `
  const bytes = new TextEncoder().encode(body)
  const headers = await signWebhook({ id: 'msg_2', nowMs, body: bytes, secrets: [signingSecret] })
  return { authorization: null, headers: { ...headers }, body }
}

/**
 * Behind a middleware that has read the body and left only what it made of it.
 *
 * @param advice what is said about it where the bytes are needed.
 */
export function afterParserCases(advice: RegExp): AdapterCase[] {
  return [
    {
      name: 'a body that was parsed before is used',
      async run(visitor) {
        const body = eventOf('call.ended', { city: 'عمّان' })
        expect((await visitor.send('parsed', { body })).status).toBe(200)
        expect(visitor.calls().map(({ event }) => event['body'])).toEqual([JSON.parse(body)])
      },
    },
    {
      name: 'where a signature is asked for, a parsed body is 503 with the line to move',
      async run(visitor) {
        expectAnswer(await visitor.send('parsed-signed', await signedEvent()), ingestAnswers.unavailable)
        const message = expect.stringMatching(advice) as string
        expect(visitor.harness.entries()).toEqual([
          { what: 'error', endpoint: 'parsed-signed', phase: 'body', message },
          { what: 'log', endpoint: 'parsed-signed', event: 'failed', reason: 'body_taken', message },
        ])
      },
    },
  ]
}

/** The same, where the middleware looks at the content type first, as those of Express and Next do. */
export function afterTypedParserCases(advice: RegExp): AdapterCase[] {
  return [
    ...afterParserCases(advice),
    {
      name: 'a body that was not for the parser is read as ever',
      async run(visitor) {
        const headers = { 'content-type': 'application/octet-stream' }
        const body = eventOf('call.ended')
        expect((await visitor.send('parsed', { headers, body })).status).toBe(200)
        expect(visitor.calls()).toHaveLength(1)
      },
    },
    {
      name: 'a body that was taken for a form is 503 with the line to move - nothing useful is left of it',
      async run(visitor) {
        const headers = { 'content-type': 'application/x-www-form-urlencoded' }
        const answer = await visitor.send('parsed', { headers, body: eventOf('call.ended') })
        expectAnswer(answer, ingestAnswers.unavailable)
        const errors = visitor.harness.entries().filter((entry) => entry.what === 'error')
        expect(errors).toMatchObject([{ phase: 'body', message: expect.stringMatching(advice) as string }])
      },
    },
  ]
}

/** Behind a middleware that leaves the bytes. */
export function bytesAfterParserCase(name: string, path: `/${string}`): AdapterCase {
  return {
    name: `${name}, and a signature holds`,
    async run(visitor) {
      const body = '{"received":true,"id":"msg_2"}'
      const answer = await visitor.send(path, await signedEvent())
      expectAnswer(answer, { status: 200, headers: acceptedHeaders, body })
    },
  }
}

/** Behind something that has read the body and left nothing, before a receiver that asks for no signature. */
export function nothingLeftCase(path: `/${string}`, advice: RegExp): AdapterCase {
  return {
    name: 'a body of which nothing is left is 503 with the line to move - as an empty one it would be refused for good',
    async run(visitor) {
      const answer = await visitor.send(path, { body: eventOf('call.ended') })
      expectAnswer(answer, ingestAnswers.unavailable)
      const message = expect.stringMatching(advice) as string
      expect(visitor.harness.entries()).toEqual([
        { what: 'error', endpoint: 'webhook', phase: 'body', message },
        { what: 'log', endpoint: 'webhook', event: 'failed', reason: 'body_taken', message },
      ])
    },
  }
}

/** Reads the body as an app does by hand. */
export async function readByHand(request: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}
