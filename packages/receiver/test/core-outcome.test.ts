import type { StandardSchemaV1 } from '@hookswitch/receiver'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { answered, ended, listening, request } from './core-requests.ts'

interface Application {
  application_id: string
  noticePeriod: string | null
  expectedSalary: number
}

const slowly = (): Promise<boolean> => new Promise((resolve) => void setImmediate(resolve, true))
const isSalary = (salary: number): boolean => salary > 0

/** One schema in three libraries, as they are meant to be written, and where they can be: with an async check. */
const schemas: Record<string, StandardSchemaV1<unknown, Application>> = {
  zod: z.object({
    application_id: z.string(),
    noticePeriod: z.string().nullable(),
    expectedSalary: z.coerce.number().refine(isSalary),
  }),
  'zod, async': z
    .object({
      application_id: z.string(),
      noticePeriod: z.string().nullable(),
      expectedSalary: z.coerce.number(),
    })
    .refine(async ({ expectedSalary }) => (await slowly()) && isSalary(expectedSalary), {
      path: ['expectedSalary'],
    }),
  valibot: v.object({
    application_id: v.string(),
    noticePeriod: v.nullable(v.string()),
    expectedSalary: v.pipe(v.string(), v.transform(Number), v.check(isSalary)),
  }),
  'valibot, async': v.objectAsync({
    application_id: v.string(),
    noticePeriod: v.nullable(v.string()),
    expectedSalary: v.pipeAsync(
      v.string(),
      v.transform(Number),
      v.checkAsync(async (salary) => (await slowly()) && isSalary(salary)),
    ),
  }),
  arktype: type({
    application_id: 'string',
    noticePeriod: 'string | null',
    expectedSalary: type('string.numeric.parse').to('number > 0'),
  }),
}

async function handledWith(schema: StandardSchemaV1<unknown, Application> | null, outcomeResult: unknown) {
  const seen: unknown[] = []
  const issuePaths: unknown[] = []
  const receiver = listening<Application>({
    ...(schema === null ? {} : { outcome: schema }),
    on: {
      '*': ({ outcome, outcomeIssues, call, event }) => {
        seen.push({ outcome, sent: call.outcome, data: event.data })
        issuePaths.push(
          ...outcomeIssues.map(({ path = [] }) =>
            [...path].map((key) => (typeof key === 'object' ? key.key : key)),
          ),
        )
      },
    },
  })
  const body = { eventType: 'call.ended', callId: 'call_1', data: { data: { outcomeResult } } }
  const { status } = await answered(receiver.fetch(request(body)))
  return { status, seen, issuePaths, told: receiver.told }
}

describe.each(Object.entries(schemas))('with a schema of %s', (_library, schema) => {
  test('an outcome that fits is given as the schema makes it', async () => {
    const sent = { application_id: '12345', noticePeriod: null, expectedSalary: '80000' }
    const { status, seen, issuePaths } = await handledWith(schema, sent)
    expect(status).toBe(200)
    expect(seen).toMatchObject([{ outcome: { ...sent, expectedSalary: 80_000 } }])
    expect(issuePaths).toEqual([])
  })

  test('one that does not fit is null, the issues say where, and nothing is lost', async () => {
    const sent = { application_id: '12345', noticePeriod: null, expectedSalary: '-1' }
    const { status, seen, issuePaths } = await handledWith(schema, sent)
    expect(status).toBe(200)
    expect(issuePaths).toEqual([['expectedSalary']])
    expect(seen).toMatchObject([
      {
        outcome: null,
        sent: { application_id: { state: 'value', value: '12345' }, noticePeriod: { state: 'null' } },
        data: { outcomeResult: sent },
      },
    ])
  })

  test('where there is none it is not asked', async () => {
    const { seen, issuePaths } = await handledWith(schema, undefined)
    expect(seen).toMatchObject([{ outcome: null, sent: {} }])
    expect(issuePaths).toEqual([])
  })
})

test('without a schema the outcome is as it was sent, also where it came as JSON within a text', async () => {
  const sent = { application_id: '12345', empty: '', no: false, zero: 0, nothing: null }
  expect((await handledWith(null, sent)).seen).toMatchObject([{ outcome: sent }])
  expect((await handledWith(null, JSON.stringify(sent))).seen).toMatchObject([{ outcome: sent }])
  expect((await handledWith(null, undefined)).seen).toMatchObject([{ outcome: null }])
})

test('a schema that throws is a handler that throws - the sender tries again', async () => {
  const broken: StandardSchemaV1<unknown, Application> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: () => {
        throw new Error('the database is away')
      },
    },
  }
  const { status, seen, told } = await handledWith(broken, { any: 1 })
  expect([status, seen]).toEqual([500, []])
  expect(told.errors).toMatchObject([{ phase: 'handler', error: { message: 'the database is away' } }])
})

test('the record of the call is there, and made when it is asked for', async () => {
  const calls: unknown[] = []
  const receiver = listening({
    on: {
      'call.ended': (context) => {
        expect(context.call).toBe(context.call)
        calls.push(context.call)
      },
    },
  })
  await receiver.fetch(request(ended()))
  expect(calls).toMatchObject([
    {
      callId: 'call_1',
      status: 'ended',
      conversationId: 'conv-1',
      transcriptText: 'Agent: Hello!\nUser: Hi.',
      endedAt: '2024-01-15T14:35:00.000Z',
      eventCount: 1,
    },
  ])
})
