import type { AttemptResult } from '@hookswitch/core'
import { authorizationHeader, signWebhook } from '@hookswitch/events'
import type { Egress } from '../egress/egress.ts'
import type { Message } from '../kind.ts'
import { contentProblem, shownKind } from '../message/content-problem.ts'

/** The time for one try where nothing else is said: what the platform gives its receivers. */
export const timeoutSecondsDefault = 5

/** Where an event is posted, and what goes with it. */
export interface WebhookTarget {
  url: string
  /** The word before the secret; null where the secret stands alone. */
  authKey: string | null
  /** Null: there is no Authorization. */
  authSecret: string | null
  /** Further headers by name, whose values are secret. */
  headers: Readonly<Record<string, string>>
  /** It is signed with each of them. */
  signingSecrets: readonly string[]
  timeoutSeconds: number
}

/** Posts an event byte for byte as it came, or what its template made, and says what came of it. */
export async function postEvent(
  target: WebhookTarget,
  message: Message,
  egress: Egress,
  signal: AbortSignal,
): Promise<AttemptResult> {
  const content = readContent(message)
  if (content.problem !== null) return contentProblem(content.problem)
  const { url, authSecret, headers } = target
  return egress.attempt(
    {
      method: 'POST',
      url,
      headers: {
        'content-type': content.type,
        ...headers,
        ...authorization(target),
        ...(await identity(message, content.body, target.signingSecrets)),
      },
      secretHeaders: Object.keys(headers),
      secrets: authSecret === null ? [] : [authSecret],
      body: content.body,
      traceBody: message.content !== undefined,
      timeoutMs: target.timeoutSeconds * 1_000,
    },
    signal,
  )
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

function authorization({ authKey, authSecret }: WebhookTarget): Record<string, string> {
  return authSecret === null ? {} : { authorization: authorizationHeader(authKey ?? '', authSecret) }
}

/** Which event, delivery and replay it is, the same in each try but for the time, and signed where that is set. */
async function identity(
  { eventId, deliveryId, replayId, test }: Message,
  body: Uint8Array,
  secrets: readonly string[],
): Promise<Record<string, string>> {
  const nowMs = Date.now()
  const signed =
    secrets.length === 0
      ? { 'webhook-id': eventId, 'webhook-timestamp': String(Math.floor(nowMs / 1_000)) }
      : await signWebhook({ id: eventId, nowMs, body, secrets })
  return {
    ...signed,
    'hookswitch-delivery': deliveryId,
    ...(replayId === null ? {} : { 'hookswitch-replay': replayId }),
    ...(test ? { 'hookswitch-test': 'true' } : {}),
  }
}
