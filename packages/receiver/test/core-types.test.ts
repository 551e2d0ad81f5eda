import {
  createReceiver,
  type CallRecord,
  type HandlerContext,
  type ReceivedEvent,
  type ReceiverOptions,
  type StandardIssue,
} from '@hookswitch/receiver'
import { type } from 'arktype'
import * as v from 'valibot'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'

// The compiler is the one who tests here.

test('a handler is typed by the name that it stands under', () => {
  createReceiver({
    secrets: 'X',
    on: {
      'call.ended': ({ event, call, outcome, outcomeIssues, signal, attempt }) => {
        expectTypeOf(event.type).toEqualTypeOf<'call.ended'>()
        expectTypeOf(event.data.conversationRecording).toEqualTypeOf<string | null | undefined>()
        expectTypeOf(event.data.transcription?.[0]?.Agent).toEqualTypeOf<string | undefined>()
        expectTypeOf(event.data.outcomeResult).toEqualTypeOf<Record<string, unknown> | undefined>()
        expectTypeOf(event.data['anything']).toEqualTypeOf<unknown>()
        expectTypeOf(event.occurredAt).toEqualTypeOf<string | null>()
        expectTypeOf(call).toEqualTypeOf<CallRecord>()
        expectTypeOf(outcome).toEqualTypeOf<Record<string, unknown> | null>()
        expectTypeOf(outcomeIssues).toEqualTypeOf<readonly StandardIssue[]>()
        expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
        expectTypeOf(attempt).toEqualTypeOf<number>()
      },
      'call.started': ({ event }) => {
        expectTypeOf(event.data.params).toEqualTypeOf<Record<string, unknown> | undefined>()
        expectTypeOf(event.data.userNumber).toEqualTypeOf<string | null | undefined>()
      },
      'tool.executed': async ({ event }) =>
        expectTypeOf(event.data.toolName).toEqualTypeOf<string | undefined>(),
      'transcription.update': ({ event }) =>
        expectTypeOf(event.data.text).toEqualTypeOf<string | undefined>(),
      'call.answered': ({ event }) => expectTypeOf(event.type).toEqualTypeOf<'call.answered'>(),
      'agent.transferred': ({ event }) => {
        expectTypeOf(event.type).toEqualTypeOf<string>()
        expectTypeOf(event.data).toEqualTypeOf<Record<string, unknown>>()
      },
      '*': ({ event }) => expectTypeOf(event).toEqualTypeOf<ReceivedEvent>(),
    },
  })
})

test('a handler for another type, or of none, does not compile', () => {
  const started = ({ event }: HandlerContext<'call.started'>): void => void event.data.params
  const any = ({ event }: HandlerContext): void => void event.type
  createReceiver({ secrets: 'X', on: { 'call.started': started, 'call.answered': any, '*': any } })
  // @ts-expect-error The data of a call that has ended is other data.
  createReceiver({ secrets: 'X', on: { 'call.ended': started } })
  // @ts-expect-error There is no such option.
  const options: ReceiverOptions = { secrets: 'X', on: { '*': any }, deadline: 1 }
  expect(() => createReceiver(options)).toThrow('no option deadline')
})

test('the outcome is what the schema makes', () => {
  const expected = { salary: 1, asked: 'x' }
  const secrets = 'X'
  createReceiver({
    secrets,
    outcome: z.object({ salary: z.coerce.number(), asked: z.string() }),
    on: { 'call.ended': ({ outcome }) => expectTypeOf(outcome).toEqualTypeOf<typeof expected | null>() },
  })
  createReceiver({
    secrets,
    outcome: v.object({ salary: v.pipe(v.string(), v.transform(Number)), asked: v.string() }),
    on: { 'call.ended': ({ outcome }) => expectTypeOf(outcome).toEqualTypeOf<typeof expected | null>() },
  })
  createReceiver({
    secrets,
    outcome: type({ salary: 'string.numeric.parse', asked: 'string' }),
    on: { '*': ({ outcome }) => expectTypeOf(outcome).toEqualTypeOf<typeof expected | null>() },
  })
  createReceiver<{ salary: number }>({
    secrets,
    outcome: z.object({ salary: z.number() }),
    on: { 'call.ended': ({ outcome }) => expectTypeOf(outcome).toEqualTypeOf<{ salary: number } | null>() },
  })
})
