import { z } from 'zod'
import type { DestinationKind } from '../kind.ts'
import { nothingToClose } from '../message/post-json.ts'
import { settingsObject } from '../settings-object.ts'
import { isHeaderName, isHeaderValue, isOwnHeader } from './header.ts'
import { postEvent, timeoutSecondsDefault } from './post-event.ts'
import { isEndless, secretsInForce, signingSecretSetting } from './signing-secret.ts'

const url = 'a URL such as https://example.com/hook'
const headerValue = 'a text of printable ASCII characters'
const seconds = 'a number of seconds from 1 to 30'

/** Nobody needs more of them, and each goes out with every event. */
const headersMax = 50
const signingSecretsMax = 10

const settings = settingsObject({
  url: z.url({ protocol: /^https?$/, error: url }),
  authKey: z.string(headerValue).refine(isHeaderValue, headerValue).exactOptional(),
  authSecret: z.string(headerValue).min(1, headerValue).refine(isHeaderValue, headerValue).exactOptional(),
  headers: z
    .record(
      z
        .string()
        .refine(isHeaderName, 'the name of a header')
        .refine((name) => !isOwnHeader(name), 'a header that the webhook does not set itself'),
      z.string(headerValue).refine(isHeaderValue, headerValue),
      'an object: values by name of the header',
    )
    .refine((headers) => Object.keys(headers).length <= headersMax, `at most ${headersMax} headers`)
    .refine(
      (headers) =>
        new Set(Object.keys(headers).map((name) => name.toLowerCase())).size === Object.keys(headers).length,
      'each header once, whatever its letters',
    )
    .exactOptional(),
  signingSecrets: z
    .array(signingSecretSetting, 'a list of secrets')
    .max(signingSecretsMax, `at most ${signingSecretsMax} secrets`)
    // Once the times of all were over, events would go out unsigned.
    .refine((secrets) => secrets.some(isEndless), 'at least one secret without an end')
    .exactOptional(),
  timeoutSeconds: z.number(seconds).min(1, seconds).max(30, seconds).default(timeoutSecondsDefault),
}).refine(({ authKey, authSecret }) => authKey === undefined || authKey === '' || authSecret !== undefined, {
  path: ['authSecret'],
  message: 'the secret that goes with authKey',
})

type Settings = z.output<typeof settings>

/** An event by HTTP POST to a URL. */
export const webhookKind: DestinationKind<Settings> = {
  name: 'webhook',
  title: 'Webhook',
  help: [
    'Sends each event by HTTP POST to a URL of yours and takes any 2xx within timeoutSeconds as delivered.',
    'Without a template it sends the bytes as they were received.',
    'authKey and authSecret are sent as "Authorization: {authKey} {authSecret}", headers as they are.',
    'signingSecrets sign each request as standardwebhooks.com describes; their libraries verify it.',
    'The header webhook-id is the same when an event is sent again: keep it to tell repeats.',
  ].join('\n'),
  settings,
  secrets: ['authSecret', 'headers', 'signingSecrets'],
  template: 'an object or a list, which is sent as JSON, or a text, which is sent as it is',
  reads: (_settings, hasTemplate) => (hasTemplate ? 'call' : 'event'),

  async check(given, { egress }) {
    const problem = await egress.check(given.url)
    return problem === null ? null : { setting: 'url', problem }
  },

  open({ signingSecrets = [], ...given }, { egress }) {
    const target = { authKey: null, authSecret: null, headers: {}, ...given }
    return {
      send(message, signal) {
        const inForce = secretsInForce(signingSecrets, Date.now())
        return postEvent({ ...target, signingSecrets: inForce }, message, egress, signal)
      },
      close: nothingToClose,
    }
  },
}
