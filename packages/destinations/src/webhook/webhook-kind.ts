import { authorizationHeader, signWebhook } from '@hookswitch/events'
import { z } from 'zod'
import type { DestinationKind, Message } from '../kind.ts'
import { contentProblem, shownKind } from '../message/content-problem.ts'
import { nothingToClose } from '../message/post-json.ts'
import { settingsObject } from '../settings-object.ts'
import { isHeaderName, isHeaderValue, isOwnHeader } from './header.ts'
import { isSigningSecret } from './signing-secret.ts'

const url = 'a URL such as https://example.com/hook'
const headerValue = 'a text of printable ASCII characters'
const seconds = 'a number of seconds from 1 to 30'
const signingSecret = 'a secret such as whsec_… (HMAC) or whsk_… (ed25519), base64 after the prefix'

const timeoutSecondsDefault = 5

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
    .array(z.string(signingSecret).refine(isSigningSecret, signingSecret), 'a list of secrets')
    .min(1, 'at least one secret')
    .max(signingSecretsMax, `at most ${signingSecretsMax} secrets`)
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

  open(given, { egress }) {
    return {
      async send(message, signal) {
        const content = readContent(message)
        if (content.problem !== null) return contentProblem(content.problem)
        return egress.attempt(
          {
            method: 'POST',
            url: given.url,
            headers: {
              'content-type': content.type,
              ...given.headers,
              ...authorization(given),
              ...(await identity(message, content.body, given.signingSecrets)),
            },
            secretHeaders: Object.keys(given.headers ?? {}),
            secrets: given.authSecret === undefined ? [] : [given.authSecret],
            body: content.body,
            traceBody: message.content !== undefined,
            timeoutMs: given.timeoutSeconds * 1_000,
          },
          signal,
        )
      },
      close: nothingToClose,
    }
  },
}

type Content = { problem: null; body: Uint8Array; type: string } | { problem: string }

const json = 'application/json'
const expectedContent = 'expected an object, a list or a text'

function readContent({ content, body }: Message): Content {
  if (content === undefined) return { problem: null, body, type: json }
  if (typeof content === 'string') {
    return { problem: null, body: Buffer.from(content), type: 'text/plain; charset=utf-8' }
  }
  if (typeof content !== 'object' || content === null) {
    return { problem: `${shownKind(content)}, ${expectedContent}` }
  }
  const text = jsonOf(content)
  if (text === undefined) return { problem: `what JSON cannot hold, ${expectedContent}` }
  return { problem: null, body: Buffer.from(text), type: json }
}

/** Undefined for something that holds itself, or a bigint. */
function jsonOf(content: object): string | undefined {
  try {
    return JSON.stringify(content)
  } catch {
    return undefined
  }
}

function authorization({ authKey, authSecret }: Settings): Record<string, string> {
  return authSecret === undefined ? {} : { authorization: authorizationHeader(authKey ?? '', authSecret) }
}

/** Which event, delivery and replay it is, the same in each try but for the time, and signed where that is set. */
async function identity(
  { eventId, deliveryId, replayId }: Message,
  body: Uint8Array,
  secrets: readonly string[] | undefined,
): Promise<Record<string, string>> {
  const nowMs = Date.now()
  const signed =
    secrets === undefined
      ? { 'webhook-id': eventId, 'webhook-timestamp': String(Math.floor(nowMs / 1_000)) }
      : await signWebhook({ id: eventId, nowMs, body, secrets })
  return {
    ...signed,
    'hookswitch-delivery': deliveryId,
    ...(replayId === null ? {} : { 'hookswitch-replay': replayId }),
  }
}
