import { traceBytesMax, type AttemptResult } from '@hookswitch/core'
import type { FetchFunction, Logger, LogLevel, WebAPICallResult } from '@slack/web-api'
import type { Egress } from '../egress/egress.ts'
import { judged } from '../message/answer.ts'
import { cutText, utf8Bytes } from '../message/cut-text.ts'
import { serviceMsMax } from '../message/post-json.ts'
import { readSlackError } from './slack-errors.ts'
import type { SlackMessage } from './slack-message.ts'

export interface WebApiTarget {
  token: string
  channel: string
  apiUrl: string
}

/** Where the Web API is when nobody says otherwise. */
export const slackApiUrl = 'https://slack.com/api/'

/** What is kept of Slack's own remarks about a message. */
const remarksMax = 300

/** Posts by Slack's own client, whose request goes out by the egress, and whose retries are left to the store. */
export async function postByWebApi(
  { token, channel, apiUrl }: WebApiTarget,
  message: SlackMessage,
  context: { egress: Egress; version: string },
  signal: AbortSignal,
): Promise<AttemptResult> {
  const { WebAPIPlatformError, WebClient } = await import('@slack/web-api')
  const exchange: Exchange = { result: null, thrown: null }
  const client = new WebClient(token, {
    slackApiUrl: apiUrl,
    headers: { 'User-Agent': `Hookswitch/${context.version}` },
    fetch: fetchBy(context.egress, signal, exchange),
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    allowAbsoluteUrls: false,
    // It would write to the console, and what it writes holds messages.
    logger: silent,
  })
  const post = { channel, ...message, unfurl_links: false, unfurl_media: false }
  const refusal = await client.apiCall('chat.postMessage', post).then(
    () => null,
    (error: unknown) => error,
  )
  if (exchange.result === null) throw exchange.thrown
  const result = withReadableRequest(exchange.result, post)
  if (refusal === null || result.verdict !== 'delivered') return result
  if (refusal instanceof WebAPIPlatformError) return refused(result, refusal.data)
  return { ...judged(result, 'retry', notSlack), cause: 'protocol' }
}

/** What the one request of a post came to. The client wraps it, and waits for nothing else. */
interface Exchange {
  result: AttemptResult | null
  /** The signal's reason, where it ended the request. */
  thrown: unknown
}

function fetchBy(egress: Egress, signal: AbortSignal, exchange: Exchange): FetchFunction {
  return async (url, init) => {
    const { headers = {}, body } = init ?? {}
    // It is a form written as text; only files would come otherwise.
    if (typeof body !== 'string') throw new TypeError('a post to Slack is a text')
    const request = { method: 'POST', url: String(url), headers, body } as const
    try {
      exchange.result = await egress.attempt({ ...request, timeoutMs: serviceMsMax }, signal)
    } catch (error) {
      exchange.thrown = error
      throw error
    }
    return fetchResponse(request.url, exchange.result)
  }
}

/** An answer as the client reads it, or an error where there is none. */
function fetchResponse(url: string, { status, message, response }: AttemptResult) {
  if (status === null || response === null) throw new Error(message ?? 'no answer')
  const text = response.truncated ? beginningAsJson(response.body) : response.body
  return {
    ok: status >= 200 && status < 300,
    status,
    statusText: '',
    url,
    headers: new Headers(response.headers),
    arrayBuffer: async () => new TextEncoder().encode(text).buffer,
    json: async (): Promise<unknown> => JSON.parse(text),
    text: async () => text,
  }
}

/**
 * Slack repeats the whole message in its answer, of which the beginning is kept. That says what counts, and a message
 * that Slack has taken must not be sent again because the rest is missing.
 */
function beginningAsJson(body: string): string {
  const [, ok, error] =
    /^\s*\{\s*"ok"\s*:\s*(?:(true)\b|false\s*,\s*"error"\s*:\s*"([a-z_]+)")/.exec(body) ?? []
  if (ok !== undefined) return '{"ok":true}'
  return error === undefined ? body : JSON.stringify({ ok: false, error })
}

const notSlack = 'what came back is not an answer of Slack'

/** `{"ok":false,"error":"…"}`, or something that is not JSON, which the client gives as the error. */
function refused(
  result: AttemptResult,
  { error, response_metadata: metadata }: WebAPICallResult & { error: string },
): AttemptResult {
  if (!/^[a-z_]+$/.test(error)) return { ...judged(result, 'retry', notSlack), cause: 'protocol' }
  const remarks = metadata?.messages?.join('; ')
  const read = readSlackError(error, 'api', remarks === undefined ? null : cutText(remarks, remarksMax))
  return read === null
    ? judged(result, 'reject', `Slack answered "${error}"`)
    : judged(result, read.verdict, read.message)
}

/** What is sent is a form; people are shown what it says. */
function withReadableRequest(result: AttemptResult, post: Record<string, unknown>): AttemptResult {
  if (result.request === null) return result
  const body = cutText(JSON.stringify(post), traceBytesMax, { size: utf8Bytes })
  return { ...result, request: { ...result.request, body } }
}

const silent: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => 'error' as LogLevel,
  setName() {},
}
