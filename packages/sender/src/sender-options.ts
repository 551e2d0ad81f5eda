import { authorizationHeader } from '@hookswitch/events'
import { isObject, kindOf } from './encode-event.ts'
import { retryLimits, retryPresets, type Retry } from './retry.ts'
import type { SendAttempt } from './send-result.ts'
import { signingSecretProblem } from './signing-secret.ts'
import { realTimers, type Timers } from './timers.ts'

export interface SenderOptions {
  /** Where the events go: https, and http with `allowHttp`. */
  url: string
  /** False by default. Secrets and calls then travel in the clear, which is for an endpoint on the same machine. */
  allowHttp?: boolean
  /** The two are sent byte for byte as `Authorization: {authKey} {authSecret}`; a secret may stand alone. */
  authKey?: string
  authSecret?: string
  /** Each request is signed with each, the current one first: `whsec_…` or `whsk_…`. None by default. */
  signingSecrets?: readonly string[]
  /** Milliseconds for one try, from 1 to 30,000; 5,000 by default, which is what endpoints are told. */
  timeoutMs?: number
  /** `guide` by default: 3 tries, after 2 and 4 seconds. */
  retry?: Retry
  /** Requests at a time, 10 by default. Those of one call always follow one another. */
  concurrency?: number
  /** Events that may wait or be on their way, 10,000 by default. */
  queueEventsMax?: number
  /** Bytes that their bodies may have together, 64 MiB by default. */
  queueBytesMax?: number
  /** `hookswitch-sender` by default. */
  userAgent?: string
  /** Told of each try, once it is over. What it throws becomes the failure of the `send` that it was told about. */
  onAttempt?: (attempt: SendAttempt) => void
  /** When it is aborted, the sender closes at once, as by `close({ drainMs: 0 })`. */
  signal?: AbortSignal
  /** Another `fetch`, such as one that checks the address; it has to honour `redirect` and `signal`. */
  fetch?: typeof fetch
  /** For tests. */
  timers?: Timers
  /** From 0 to 1, spreads the waits by up to a tenth. For tests. */
  random?: () => number
}

export interface ResolvedSender {
  url: string
  /** What every request has. */
  headers: Record<string, string>
  /** The header as messages may show it; null where none is sent. */
  shownAuthorization: string | null
  signingSecrets: readonly string[]
  timeoutMs: number
  retry: Retry
  concurrency: number
  queueEventsMax: number
  queueBytesMax: number
  onAttempt: (attempt: SendAttempt) => void
  signal: AbortSignal | null
  fetch: typeof fetch
  timers: Timers
  random: () => number
}

/** @throws TypeError that names the option, what came and what is expected. Nothing that is secret is in it. */
export function resolveSender(options: SenderOptions): ResolvedSender {
  const { url, ...others } = options
  for (const [name, value] of Object.entries(others)) {
    const rule = Object.hasOwn(rules, name) ? rules[name as keyof typeof rules] : undefined
    if (rule === undefined) throw new TypeError(`createSender has no option ${name}`)
    if (!rule.holds(value)) throw new TypeError(`${name} is ${rule.shown(value)}, expected ${rule.expected}`)
  }
  const { authKey = '', authSecret, signingSecrets = [], allowHttp = false } = options
  if (authKey !== '' && authSecret === undefined) {
    throw new TypeError('authSecret is missing, expected the secret that goes with authKey')
  }
  for (const [at, secret] of signingSecrets.entries()) {
    const problem = signingSecretProblem(secret)
    if (problem !== null) throw new TypeError(`signingSecrets[${at}] ${problem}`)
  }
  return {
    url: resolveUrl(url, allowHttp),
    headers: {
      'content-type': 'application/json',
      'user-agent': options.userAgent ?? 'hookswitch-sender',
      ...(authSecret === undefined ? {} : { authorization: authorizationHeader(authKey, authSecret) }),
    },
    shownAuthorization: authSecret === undefined ? null : shownAuthorization(authKey, authSecret),
    signingSecrets,
    timeoutMs: options.timeoutMs ?? 5_000,
    retry: options.retry ?? 'guide',
    concurrency: options.concurrency ?? 10,
    queueEventsMax: options.queueEventsMax ?? 10_000,
    queueBytesMax: options.queueBytesMax ?? 64 * 1024 * 1024,
    onAttempt: options.onAttempt ?? (() => {}),
    signal: options.signal ?? null,
    fetch: options.fetch ?? ((...request) => fetch(...request)),
    timers: options.timers ?? realTimers,
    random: options.random ?? Math.random,
  }
}

function resolveUrl(text: unknown, allowHttp: boolean): string {
  const expected = 'expected a URL such as https://example.com/hook'
  if (typeof text !== 'string') throw new TypeError(`url is ${kindOf(text)}, ${expected}`)
  if (!URL.canParse(text)) throw new TypeError(`url is not a URL, ${expected}`)
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(allowHttp && url.protocol === 'http:')) {
    const hint = url.protocol === 'http:' ? ', or allowHttp: true for an endpoint on the same machine' : ''
    throw new TypeError(`url is ${url.protocol.slice(0, -1)}, ${expected}${hint}`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new TypeError(`url has a user or a password in it, ${expected}, and authKey and authSecret`)
  }
  return url.href
}

/** The scheme is no secret, and most of what goes wrong goes wrong with it. */
function shownAuthorization(authKey: string, authSecret: string): string {
  const scheme = /^(?:(?:bearer|token)[ \t]+)*/i.exec(authSecret)?.[0] ?? ''
  return authorizationHeader(authKey, `${scheme}…`)
}

interface Rule {
  holds: (value: unknown) => boolean
  expected: string
  shown: (value: unknown) => string
}

/** The value is shown where it is not secret. */
function shownRule(holds: Rule['holds'], expected: string): Rule {
  const shown = (value: unknown): string =>
    typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? kindOf(value))
  return { holds, expected, shown }
}

function hiddenRule(holds: Rule['holds'], expected: string): Rule {
  return { holds, expected, shown: kindOf }
}

function whole(max: number): Rule {
  const holds = (value: unknown): boolean =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= max
  return shownRule(holds, `a whole number from 1 to ${max}`)
}

/**
 * What every receiver reads alike (RFC 9110, section 5.5), and `fetch` leaves as it is: visible ASCII, with spaces and
 * tabs within.
 */
const headerValue = /^[\x21-\x7e](?:[\t\x20-\x7e]{0,4094}[\x21-\x7e])?$/
const isHeaderValue = (value: unknown): boolean => typeof value === 'string' && headerValue.test(value)
const isFunction = (value: unknown): boolean => typeof value === 'function'

const rules: Record<keyof Omit<SenderOptions, 'url'>, Rule> = {
  allowHttp: shownRule((value) => typeof value === 'boolean', 'true or false'),
  authKey: hiddenRule(
    (value) => value === '' || isHeaderValue(value),
    'a text of visible ASCII such as Bearer',
  ),
  authSecret: hiddenRule(
    isHeaderValue,
    'a text of visible ASCII, with nothing around it, or no authSecret at all',
  ),
  signingSecrets: hiddenRule(
    (value) => Array.isArray(value) && value.length >= 1 && value.length <= 10,
    'a list of 1 to 10 secrets, or no signingSecrets at all',
  ),
  timeoutMs: whole(30_000),
  retry: shownRule(
    isRetry,
    `${Object.keys(retryPresets).join(', ')} or { delaysMs } with at most ${retryLimits.delaysMax} whole numbers up to ${retryLimits.delayMsMax}`,
  ),
  concurrency: whole(1_000),
  queueEventsMax: whole(1_000_000),
  queueBytesMax: whole(Number.MAX_SAFE_INTEGER),
  userAgent: shownRule(isHeaderValue, 'a text of visible ASCII'),
  onAttempt: shownRule(isFunction, 'a function'),
  signal: shownRule((value) => value instanceof AbortSignal, 'an AbortSignal'),
  fetch: shownRule(isFunction, 'a function such as fetch'),
  timers: shownRule(isObject, 'timers'),
  random: shownRule(isFunction, 'a function such as Math.random'),
}

function isRetry(value: unknown): boolean {
  if (typeof value === 'string') return Object.hasOwn(retryPresets, value)
  if (!isObject(value)) return false
  const { delaysMs } = value
  return (
    Array.isArray(delaysMs) &&
    delaysMs.length <= retryLimits.delaysMax &&
    delaysMs.every((delay) => Number.isInteger(delay) && delay >= 0 && delay <= retryLimits.delayMsMax)
  )
}
