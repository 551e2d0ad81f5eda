import { expect } from 'vitest'
import type { Answer } from '@hookswitch/receiver'
import { acceptedHeaders, ingestAnswers, signWebhook } from '@hookswitch/events'
import { nowMs, secret, signingSecret, smallBytesMax, type Endpoint } from './app.ts'
import { sendAsDirect } from './direct.ts'
import { eventOf } from './sample-events.ts'
import type { AdapterCase } from './suite.ts'
import { expectAnswer, type SendParts, type Visitor } from './visitor.ts'
import type { WireAnswer } from './connection.ts'

const idPattern = /"id":"(evt_[0-9a-f]{32})"/

/** The 200 of an event, whose id is made of its content. @returns the id. */
function expectReceived(answer: WireAnswer, more = ''): string {
  const id = idPattern.exec(answer.body)?.[1] ?? 'evt_ and 32 digits'
  const body = `{"received":true,"id":"${id}"${more}}`
  expectAnswer(answer, { status: 200, headers: acceptedHeaders, body })
  return id
}

/** Sent like this, the event is handled as it is when sent in the simplest way. */
async function expectHandled(
  visitor: Visitor,
  parts: SendParts,
  endpoint: Endpoint = 'webhook',
): Promise<void> {
  const body = eventOf('call.ended', { outcomeResult: { city: 'عمّان' } })
  expectReceived(await visitor.send(endpoint, { body, ...parts }))
  expect(visitor.calls().map(({ event }) => event['body'])).toEqual([JSON.parse(body)])
}

async function expectRefused(visitor: Visitor, parts: SendParts, expected: Answer): Promise<void> {
  expectAnswer(await visitor.send('webhook', parts), expected)
  expect(visitor.calls()).toEqual([])
}

/** Content types that a sender may have, or forget. JSON is what is in the body all the same. */
const contentTypes = [
  'application/json; charset=utf-8',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'application/vnd.api+json',
  'application/octet-stream',
  'json',
  '',
]

const otherMethods = ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** What is answered, whatever the framework, with nothing unusual on the wire. */
export const answerCases: readonly AdapterCase[] = [
  {
    name: 'an event is handled and answered with its id',
    async run(visitor) {
      const body = eventOf('call.ended', { outcomeResult: { city: 'عمّان' } })
      const id = expectReceived(await visitor.send('webhook', { body }))
      const [call] = visitor.calls()
      expect(call?.event).toMatchObject({ id, type: 'call.ended', callId: 'call-1', dialect: 'v1' })
      expect(call?.outcome).toEqual({ city: 'عمّان' })
    },
  },
  {
    name: 'every form of the secret is let in - platforms put two words before it, one, or none',
    async run(visitor) {
      for (const authorization of [secret, `bearer Bearer ${secret}`, `Token ${secret}`]) {
        visitor.harness.forget()
        await expectHandled(visitor, { authorization })
      }
    },
  },
  {
    name: 'a wrong secret is 401, and the answer does not say why',
    async run(visitor) {
      const parts = { authorization: `Bearer not ${secret}`, body: eventOf('call.ended') }
      await expectRefused(visitor, parts, ingestAnswers.unauthorized)
      expect(visitor.reasons()).toEqual(['secret_mismatch'])
    },
  },
  {
    name: 'no secret at all is 401',
    async run(visitor) {
      const parts = { authorization: null, body: eventOf('call.ended') }
      await expectRefused(visitor, parts, ingestAnswers.unauthorized)
      expect(visitor.reasons()).toEqual(['secret_missing'])
    },
  },
  ...otherMethods.map((method): AdapterCase => ({
    name: `${method} is 405 and told what is allowed`,
    run(visitor) {
      const { body, ...rest } = ingestAnswers.method_not_allowed
      return expectRefused(visitor, { method }, { ...rest, body: method === 'HEAD' ? '' : body })
    },
  })),
  {
    name: 'a body that is no event is 400, and says all that is wrong with it',
    async run(visitor) {
      const bodies = ['', '{"eventType": "call.ended", ', '[]', 'null', '{}', '{"eventType":"call.ended"}']
      const sendings = bodies.map((body) => ({
        authorization: secret,
        body: new TextEncoder().encode(body),
      }))
      const { answers, calls } = await sendAsDirect(visitor, 'webhook', sendings)
      expect(answers.map(({ status }) => status)).toEqual(bodies.map(() => 400))
      expect(calls).toEqual([])
    },
  },
  {
    name: 'a body in an encoding is 415',
    run: (visitor) =>
      expectRefused(
        visitor,
        { headers: { 'content-encoding': 'gzip' }, body: eventOf('call.ended') },
        ingestAnswers.unsupported_encoding,
      ),
  },
  {
    name: 'a body over the limit is 413',
    async run(visitor) {
      const body = eventOf('call.ended', { long: 'x'.repeat(smallBytesMax) })
      expectAnswer(await visitor.send('small', { body }), ingestAnswers.payload_too_large)
      expect(visitor.calls()).toEqual([])
    },
  },
  {
    name: "two megabytes are taken - the limit is the receiver's, and not that of a parser",
    async run(visitor) {
      const body = eventOf('call.ended', { transcription: 'م'.repeat(1024 * 1024) })
      expectReceived(await visitor.send('webhook', { body }))
      expect(visitor.calls().map(({ event }) => event['body'])).toEqual([JSON.parse(body)])
    },
  },
  {
    name: 'the content type does not matter - some senders have none, and curl says form',
    async run(visitor) {
      for (const type of contentTypes) {
        visitor.harness.forget()
        await expectHandled(visitor, { headers: { 'content-type': type } })
      }
    },
  },
  {
    name: 'it may stand deeper in the tree of paths',
    run: (visitor) => expectHandled(visitor, {}, 'deep/er/webhook'),
  },
  {
    name: 'a slash or a query behind the path is no matter',
    async run(visitor) {
      for (const after of ['/', '?from=platform', '/?from=platform']) {
        visitor.harness.forget()
        await expectHandled(visitor, { after })
      }
    },
  },
  {
    name: 'a repeat is answered as one, with the same id, and not handled again',
    async run(visitor) {
      const body = eventOf('call.ended', { once: 'repeated' })
      const id = expectReceived(await visitor.send('once', { body }))
      expectAnswer(await visitor.send('once', { body }), {
        status: 200,
        headers: acceptedHeaders,
        body: `{"received":true,"duplicate":true,"id":"${id}"}`,
      })
      expect(visitor.calls()).toHaveLength(1)
    },
  },
  {
    name: 'a handler that throws is 500 - the sender is to try again',
    async run(visitor) {
      expectAnswer(await visitor.send('webhook', { body: eventOf('test.throws') }), {
        status: 500,
        headers: acceptedHeaders,
        body: '{"error":"Internal error","code":"internal"}',
      })
    },
  },
  {
    name: 'an event that a handler rejects is 200 - trying again would not help',
    async run(visitor) {
      const answer = await visitor.send('webhook', { body: eventOf('test.rejected') })
      expectReceived(answer, ',"processing_error":true')
    },
  },
  {
    name: 'a handler that is too late is 503, and is told to stop',
    async run(visitor) {
      const answer = await visitor.send('late', { body: eventOf('test.late') })
      expectAnswer(answer, ingestAnswers.unavailable)
      await visitor.untilEntry(
        'the handler to end',
        (entry) => entry.what === 'log' && entry.event === 'late',
      )
    },
  },
  {
    name: 'a signature is checked over the bytes as they came - parsed and written again they would differ',
    async run(visitor) {
      const body = `  ${eventOf('call.ended', { city: 'عمّان' }).replace('{', '{ \t"first" : 1.0,\r\n')}\n`
      const headers = await signWebhook({
        id: 'msg_1',
        nowMs,
        body: new TextEncoder().encode(body),
        secrets: [signingSecret],
      })
      const answer = await visitor.send('signed', { authorization: null, headers: { ...headers }, body })
      expectAnswer(answer, {
        status: 200,
        headers: acceptedHeaders,
        body: '{"received":true,"id":"msg_1"}',
      })
      const changed = body.replace('1.0', '1')
      const refused = await visitor.send('signed', {
        authorization: null,
        headers: { ...headers },
        body: changed,
      })
      expectAnswer(refused, ingestAnswers.unauthorized)
      expect(visitor.calls()).toHaveLength(1)
    },
  },
]
