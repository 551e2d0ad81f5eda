import { describe, expect, test } from 'vitest'
import { createSender } from './create-sender.ts'
import { resolveSender, type SenderOptions } from './sender-options.ts'

const url = 'https://example.com/hook'

test('what is left out is filled in', () => {
  expect(resolveSender({ url })).toMatchObject({
    url,
    headers: { 'content-type': 'application/json', 'user-agent': 'hookswitch-sender' },
    shownAuthorization: null,
    signingSecrets: [],
    timeoutMs: 5_000,
    retry: 'guide',
    concurrency: 10,
    queueEventsMax: 10_000,
    queueBytesMax: 67_108_864,
  })
  expect(resolveSender({ url }).headers).not.toHaveProperty('authorization')
})

test.each([
  [undefined, 'X', 'X', '…'],
  ['', 'X', 'X', '…'],
  ['Bearer', 'X', 'Bearer X', 'Bearer …'],
  ['bearer', 'Bearer X', 'bearer Bearer X', 'bearer Bearer …'],
  ['Token', 'X', 'Token X', 'Token …'],
])('%o and %o are sent as %o, and shown as %o', (authKey, authSecret, header, shown) => {
  const resolved = resolveSender({ url, ...(authKey === undefined ? {} : { authKey }), authSecret })
  expect(resolved.headers['authorization']).toBe(header)
  expect(resolved.shownAuthorization).toBe(shown)
})

describe('an option that cannot be used is refused where the sender is made: which, what came, what is expected', () => {
  /** Also what only JavaScript can write. */
  test.each<[options: Record<string, unknown>, message: string]>([
    [{ url: undefined }, 'url is undefined, expected a URL such as https://example.com/hook'],
    [{ url: 'example.com' }, 'url is not a URL, expected a URL such as'],
    [{ url: 'ftp://example.com' }, 'url is ftp, expected a URL such as https://example.com/hook'],
    [
      { url: 'http://example.com' },
      'url is http, expected a URL such as https://example.com/hook, or allowHttp: true',
    ],
    [{ url: 'ftp://example.com', allowHttp: true }, 'url is ftp, expected'],
    [{ url: 'https://name:word@example.com' }, 'url has a user or a password in it, expected'],
    [{ allowHttp: 'yes' }, 'allowHttp is "yes", expected true or false'],
    [{ authKey: 'Bearer' }, 'authSecret is missing, expected the secret that goes with authKey'],
    [
      { authKey: 'Bearer', authSecret: undefined },
      'authSecret is undefined, expected a text of visible ASCII',
    ],
    [{ authSecret: '' }, 'authSecret is a string, expected a text of visible ASCII, with nothing around it'],
    [{ authSecret: 'hidden ' }, 'authSecret is a string, expected'],
    [{ authSecret: 'hidden\r\nx: y' }, 'authSecret is a string, expected'],
    [{ authSecret: 'سر' }, 'authSecret is a string, expected'],
    [{ authKey: 7, authSecret: 'X' }, 'authKey is a number, expected a text of visible ASCII such as Bearer'],
    [{ signingSecrets: [] }, 'signingSecrets is an array, expected a list of 1 to 10 secrets'],
    [{ signingSecrets: 'whsec_hidden' }, 'signingSecrets is a string, expected a list of 1 to 10 secrets'],
    [{ signingSecrets: ['whsec_MfKQ', 'hidden'] }, 'signingSecrets[1] has neither prefix, expected whsec_…'],
    [{ timeoutMs: 0 }, 'timeoutMs is 0, expected a whole number from 1 to 30000'],
    [{ timeoutMs: Infinity }, 'timeoutMs is Infinity, expected a whole number from 1 to 30000'],
    [{ timeoutMs: '5000' }, 'timeoutMs is "5000", expected a whole number from 1 to 30000'],
    [
      { retry: 'often' },
      'retry is "often", expected none, quick, guide, standard or { delaysMs } with at most 50',
    ],
    [{ retry: 'toString' }, 'retry is "toString", expected'],
    [{ retry: { delaysMs: [1, -1] } }, 'retry is {"delaysMs":[1,-1]}, expected'],
    [{ retry: { delaysMs: [0.5] } }, 'retry is {"delaysMs":[0.5]}, expected'],
    [
      { retry: { delaysMs: Array(51).fill(1) } },
      'expected none, quick, guide, standard or { delaysMs } with at most 50',
    ],
    [{ concurrency: 0 }, 'concurrency is 0, expected a whole number from 1 to 1000'],
    [{ queueEventsMax: 1.5 }, 'queueEventsMax is 1.5, expected a whole number from 1 to 1000000'],
    [{ queueBytesMax: -1 }, 'queueBytesMax is -1, expected a whole number from 1'],
    [{ userAgent: 'a\nb' }, 'userAgent is "a\\nb", expected a text of visible ASCII'],
    [{ onAttempt: {} }, 'onAttempt is {}, expected a function'],
    [{ signal: {} }, 'signal is {}, expected an AbortSignal'],
    [{ fetch: 'fetch' }, 'fetch is "fetch", expected a function such as fetch'],
    [{ timeoutMS: 5 }, 'createSender has no option timeoutMS'],
    [{ constructor: 5 }, 'createSender has no option constructor'],
  ])('%o', (options, message) => {
    const given = { url, ...options } as unknown as SenderOptions
    expect(() => createSender(given)).toThrow(TypeError)
    expect(() => createSender(given)).toThrow(message)
    expect(() => createSender(given)).not.toThrow('hidden')
  })
})
