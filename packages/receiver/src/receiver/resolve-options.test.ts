import { describe, expect, test } from 'vitest'
import { memoryDedupe } from '../dedupe/memory-dedupe.ts'
import { createReceiver } from './create-receiver.ts'
import type { ReceiverOptions } from './options.ts'
import { resolveOptions } from './resolve-options.ts'

const on = { 'call.ended': () => {} }

function problem(options: unknown): string {
  try {
    createReceiver(options as ReceiverOptions)
    return 'none'
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return (error as Error).message
  }
}

test('what is not given has its default', () => {
  const { handles, handlerOf, onError, log, now, ...rest } = resolveOptions({ secrets: 'X', on })
  expect(rest).toEqual({
    secrets: ['X'],
    signature: null,
    outcome: null,
    dedupe: null,
    dedupeWindowMs: 86_400_000,
    leaseMs: 30_000,
    queue: null,
    deadlineMs: 4_000,
    order: 'none',
    onFailure: 'retry',
    bodyBytesMax: 10_485_760,
    bodyMs: 10_000,
    tracer: null,
  })
  expect([handles('call.ended'), handles('call.started')]).toEqual([true, false])
  expect(handlerOf('call.started')).toBe(undefined)
  expect(onError(new Error('any'), { phase: 'body', event: null })).toBe(undefined)
  expect(log).toBeNull()
  expect(Math.abs(now() - Date.now())).toBeLessThan(60_000)
})

test('the lease outlasts the deadline by as much again', () => {
  expect(resolveOptions({ secrets: 'X', on, deadlineMs: 20_000 }).leaseMs).toBe(40_000)
})

test('which types are handled', () => {
  const any = { secrets: 'X', on: { ...on, '*': () => {} } }
  expect(resolveOptions(any).handles('anything.else')).toBe(true)
  const listed = resolveOptions({ ...any, events: ['call.ended', 'call.started'] })
  expect(['call.ended', 'call.started', 'call.answered'].map(listed.handles)).toEqual([true, true, false])
  const queue = { add: async () => {} }
  const elsewhere = resolveOptions({ secrets: 'X', on: {}, queue, events: ['call.ended'] })
  expect(['call.ended', 'call.started'].map(elsewhere.handles)).toEqual([true, false])
  const all = resolveOptions({ secrets: 'X', on: {}, queue, events: ['*'] })
  expect(all.handles('anything.else')).toBe(true)
})

test.each([undefined, null])(
  'an option that is %s is as good as none - JavaScript passes on what it has',
  (value) => {
    const options = { secrets: 'X', on, dedupe: undefined, log: undefined }
    expect(problem(options)).toBe('none')
    expect(problem({ secrets: 'X', on, dedupe: value })).toBe(
      value === undefined ? 'none' : 'dedupe is null, expected what memoryDedupe() gives, or the like',
    )
  },
)

describe('a variable of the environment that is not set', () => {
  test.each([
    ['secrets', { secrets: undefined }, 'secrets is undefined'],
    ['secrets', { secrets: null }, 'secrets is null'],
    ['secrets', { secrets: '' }, 'secrets is empty'],
    ['secrets', { secrets: '  ' }, 'secrets has no secret in it'],
    ['secrets', { secrets: 'Bearer undefined' }, 'secrets has no secret in it'],
    ['secrets', { secrets: 'Bearer ' }, 'secrets has no secret in it'],
    ['secrets[1]', { secrets: ['X', undefined] }, 'secrets[1] is undefined'],
    ['secrets[0]', { secrets: ['', 'X'] }, 'secrets[0] is empty'],
    [
      'beside a signature',
      { secrets: undefined, signature: { secrets: ['whsec_AAAA'] } },
      'secrets is undefined',
    ],
    ['signature.secrets[0]', { signature: { secrets: [undefined] } }, 'signature.secrets[0] is undefined'],
    [
      'signature.secrets[0]',
      { signature: { secrets: ['whsec_'] } },
      'signature.secrets[0] has nothing in it',
    ],
  ])('%s: %j', (_name, options, message) => {
    expect(problem({ ...options, on })).toBe(`${message}: is a variable of the environment not set?`)
  })
})

const list = "a list of types such as ['call.ended']"

test.each([
  [undefined, 'createReceiver is given undefined, expected its options'],
  ['X', 'createReceiver is given a string, expected its options'],
  [{ on }, "secrets are missing, expected the secret of the webhook, or a list of them, or auth: 'none'"],
  [{ secrets: 'X', auth: 'none', on }, "secrets are given beside auth: 'none', expected one of the two"],
  [{ secrets: [], on }, 'secrets is an empty list, expected the secret of the webhook, or a list of them'],
  [{ secrets: 7, on }, 'secrets is a number, expected the secret of the webhook, or a list of them'],
  [{ secrets: [7], on }, 'secrets[0] is a number, expected a text'],
  [{ secrets: 'käse', on }, 'secrets has a character that no header carries, expected visible ASCII'],
  [{ auth: 'basic', on }, "auth is a string, expected 'none', or no auth at all"],
  [{ signature: 'whsec_AAAA', on }, 'signature is a string, expected { secrets, toleranceSeconds? }'],
  [{ signature: {}, on }, 'signature.secrets is undefined, expected a list of whsec_… or whpk_… secrets'],
  [
    { signature: { secrets: [] }, on },
    'signature.secrets is an empty list, expected a list of whsec_… or whpk_… secrets',
  ],
  [
    { signature: { secrets: ['whsec_*'] }, on },
    'signature.secrets[0] is not base64, expected whsec_… (HMAC) or whpk_… (ed25519), base64 after the prefix',
  ],
  [{ signature: { secrets: ['whpk_AAAA'] }, on }, 'signature.secrets[0] has 3 bytes, expected 32'],
  [{ signature: { secrets: ['whsec_AAAA'], tolerance: 1 }, on }, 'signature has no option tolerance'],
  [
    { signature: { secrets: ['whsec_AAAA'], toleranceSeconds: 0 }, on },
    'signature.toleranceSeconds is 0, expected a whole number from 1 to 86400',
  ],
  [{ secrets: 'X' }, "on is missing, expected handlers such as { 'call.ended': async ({ event }) => { … } }"],
  [
    { secrets: 'X', on: {} },
    "on has no handler, expected handlers such as { 'call.ended': async ({ event }) => { … } }",
  ],
  [
    { secrets: 'X', on: () => {} },
    "on is a function, expected handlers such as { 'call.ended': async ({ event }) => { … } }",
  ],
  [{ secrets: 'X', on: { 'call.ended': 'run' } }, 'on["call.ended"] is a string, expected a function'],
  [
    { secrets: 'X', on: { call_end: () => {} } },
    'on["call_end"] is "call_end", expected "call.ended", under which it comes',
  ],
  [
    { secrets: 'X', on: { 'appel.é': () => {} } },
    'on["appel.é"] has a character that is not printable ASCII, at offset 6, expected a type such as "call.ended"',
  ],
  [
    { secrets: 'X', on: {}, queue: { add: () => {} } },
    "on has no handler, expected handlers such as { 'call.ended': async ({ event }) => { … } }",
  ],
  [{ secrets: 'X', on, events: [] }, `events is an empty list, expected ${list}`],
  [{ secrets: 'X', on, events: 'call.ended' }, `events is a string, expected ${list}`],
  [
    { secrets: 'X', on, events: ['call.started'] },
    'events[0] is "call.started", for which on has no handler',
  ],
  [
    { secrets: 'X', on, events: ['call_end'] },
    'events[0] is "call_end", expected "call.ended", under which it comes',
  ],
  [
    { secrets: 'X', on, events: [1] },
    'events[0] is a number, expected a string, expected a type such as "call.ended"',
  ],
  [
    { secrets: 'X', on, outcome: { type: 'object' } },
    'outcome is an object, expected a Standard Schema, such as one of zod, valibot or arktype',
  ],
  [
    { secrets: 'X', on, dedupe: memoryDedupe },
    'dedupe is a function, expected what memoryDedupe() gives, or the like',
  ],
  [
    { secrets: 'X', on, dedupe: { claim: () => {} } },
    'dedupe is an object, expected what memoryDedupe() gives, or the like',
  ],
  [{ secrets: 'X', on, queue: { push: () => {} } }, 'queue is an object, expected { add }'],
  [{ secrets: 'X', on, deadlineMs: '4s' }, 'deadlineMs is "4s", expected a whole number from 1 to 900000'],
  [{ secrets: 'X', on, deadlineMs: 0 }, 'deadlineMs is 0, expected a whole number from 1 to 900000'],
  [
    { secrets: 'X', on, deadlineMs: Infinity },
    'deadlineMs is Infinity, expected a whole number from 1 to 900000',
  ],
  [{ secrets: 'X', on, bodyMs: 1.5 }, 'bodyMs is 1.5, expected a whole number from 1 to 900000'],
  [
    { secrets: 'X', on, bodyBytesMax: -1 },
    'bodyBytesMax is -1, expected a whole number from 1 to 9007199254740991',
  ],
  [
    { secrets: 'X', on, dedupeWindowMs: NaN },
    'dedupeWindowMs is NaN, expected a whole number from 1 to 9007199254740991',
  ],
  [{ secrets: 'X', on, order: 'calls' }, "order is \"calls\", expected 'call' or 'none'"],
  [{ secrets: 'X', on, onFailure: 200 }, "onFailure is 200, expected 'retry' or 'acknowledge'"],
  [{ secrets: 'X', on, onError: true }, 'onError is a boolean, expected a function'],
  [{ secrets: 'X', on, log: console }, 'log is an object, expected a function'],
  [{ secrets: 'X', on, tracer: {} }, 'tracer is an object, expected what openTelemetry() gives'],
  [{ secrets: 'X', on, now: 5 }, 'now is a number, expected a function such as Date.now'],
  [{ secrets: 'X', on, secret: 'X' }, 'createReceiver has no option secret'],
  [{ secrets: 'X', on, constructor: 1 }, 'createReceiver has no option constructor'],
])('%j: the message names the option, what came and what is expected', (options, message) => {
  expect(problem(options)).toBe(message)
})

test('no message has a secret in it', () => {
  const secret = 'sk_live_canary'
  for (const options of [
    { secrets: { a: secret }, on },
    { secrets: [[secret]], on },
    { secrets: `${secret}é`, on },
    { secrets: [secret, undefined], on },
    { auth: secret, on },
    { signature: secret, on },
    { signature: { secrets: [`whpk_${btoa(secret)}`] }, on },
    { signature: { secrets: [`whsec_${secret}*`] }, on },
    { secrets: secret, auth: 'none', on },
    { secrets: secret, on: secret },
    { secrets: secret, on, dedupe: secret },
    { secrets: secret, on, outcome: secret },
  ]) {
    expect(problem(options)).not.toBe('none')
    expect(problem(options)).not.toContain(secret)
    expect(problem(options)).not.toContain(btoa(secret))
  }
})

test.each([
  'call.end',
  'callEnded',
  'CALL.ENDED',
  'call-ended',
  'Transcription.update',
  'tool_execute '.trim(),
])('a handler of %j is refused - it would never be called', (type) => {
  expect(() => resolveOptions({ secrets: 'X', on: { [type]: () => {} } })).toThrow(
    /^on\["[^"]+"\] is "[^"]+", (?:did you mean|expected) "(?:call\.ended|transcription\.update|tool\.executed)"/,
  )
})

test('a type of one’s own is taken', () => {
  for (const type of ['call.analyzed', 'call', 'tool', 'call.transferred']) {
    expect(resolveOptions({ secrets: 'X', on: { [type]: () => {} } }).handles(type)).toBe(true)
  }
})
