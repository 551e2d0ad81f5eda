import type { AttemptResult } from '@hookswitch/core'

/** What an agent's endpoint made of one event, and what is set about it. */
export interface EndpointAnswer {
  eventType: string
  attempt: AttemptResult & { durationMs: number }
  /** As it is set. Its query may be secret, and no sentence shows it. */
  url: string
  /** Null, undefined and empty: the secret stands in the header alone. */
  authKey: string | null | undefined
  hasSecret: boolean
  /** The word that the secret itself begins with, such as the `Bearer` of `Bearer abc`. */
  secretScheme?: string | null
  /** The time that the endpoint has to answer. */
  timeoutMs: number
}

/**
 * Says in a sentence or two, to whoever sets an endpoint up, what came back and what to do about it. Of the answer it
 * quotes only what the attempt has kept, in which the secrets that were sent are masked.
 */
export function answerWords(answer: EndpointAnswer): string {
  const { status, cause, message } = answer.attempt
  if (status !== null) return statusWords(answer, status)
  return cause === null ? `It was not sent: ${message ?? 'nobody said why'}.` : silenceWords(answer, cause)
}

/** An answer that takes a greater share of the time there is will come too late on a busy day. */
const slowShare = 0.6

/** Enough of an error message to recognise it, on one line. */
const quotedCharactersMax = 160

/** Statuses by which a proxy says that it could not reach what is behind it; those from 520 are Cloudflare's. */
const proxyStatuses: ReadonlySet<number> = new Set([502, 504, 520, 521, 522, 523, 524, 525, 526, 527, 530])

function statusWords(answer: EndpointAnswer, status: number): string {
  const { eventType, attempt } = answer
  if (status >= 200 && status < 300) return acceptedWords(answer, status)
  if (status >= 300 && status < 400) return redirectWords(answer, status)
  if (proxyStatuses.has(status)) {
    return `${status}: a proxy in front of your endpoint could not reach it: does it run, and does the proxy know its port?`
  }
  const path = pathOf(answer)
  switch (status) {
    case 400:
    case 422:
      return `${status}: your endpoint does not take ${eventType} in this shape; what a call brings stands in data.data.${quoted(answer)}`
    case 401:
    case 403:
      return refusedWords(answer, status)
    case 404:
      return `404: nothing answers at ${path}. Is that the path of your handler, and does it take POST there?`
    case 405: {
      const allowed = header(answer, 'allow')
      const only = allowed === null ? '' : `, only ${oneLine(allowed)}`
      return `405: ${path} does not take POST${only}. Is that the path of your handler? It must be registered for POST.`
    }
    case 410:
      return '410: your endpoint says that it is gone for good, and the webhook of an agent is then held until it is resumed. Correct its URL, or remove it.'
    case 413:
      return `413: your endpoint does not take a body of ${attempt.request?.bodyBytes ?? 'so many'} bytes, and that of a long call has megabytes. Raise the limit of its framework (100 kB for express.json()) and of every proxy in front of it.`
    case 415:
      return '415: your endpoint does not take application/json, which every event is sent as. Let its handler parse that.'
    case 429:
      return `429: your endpoint says that it gets too many requests${waitWords(answer)}. Allow more there, or lower limits.concurrency of the webhook.`
    case 503:
      return `503: your endpoint, or a proxy in front of it, says that it is not ready${waitWords(answer)}. Does it run?`
  }
  if (status >= 500 && status < 600) {
    return `${status}: your endpoint failed on ${eventType}; its own log says why.${quoted(answer)}`
  }
  const next = attempt.verdict === 'retry' ? 'it is tried again' : 'it is not tried again'
  return `${status}: your endpoint did not take ${eventType}, and ${next}.${quoted(answer)}`
}

function acceptedWords(answer: EndpointAnswer, status: number): string {
  const { eventType, attempt, timeoutMs } = answer
  if (saysItFailed(answer)) {
    return `Your endpoint answered ${status}, but with processing_error: its handler failed on ${eventType}, and since it says ${status} the event is not sent again. Its own log says why.`
  }
  if (isWebPage(answer)) {
    return `Your endpoint answered ${status}, but with a web page, so that nothing may have read the event. Is ${pathOf(answer)} the path of your handler?`
  }
  if (attempt.durationMs > slowShare * timeoutMs) {
    return `Your endpoint answered ${status}, but only after ${timeText(attempt.durationMs)} of the ${timeText(timeoutMs)} that it has; later ones count as failed. Let it answer first and work afterwards.`
  }
  return `Your endpoint answered ${status} after ${timeText(attempt.durationMs)}.`
}

/** The guide's handlers say so when they threw: 200, "to avoid retries". */
function saysItFailed({ attempt }: EndpointAnswer): boolean {
  try {
    const body: unknown = JSON.parse(attempt.response?.body ?? '')
    return (
      typeof body === 'object' &&
      body !== null &&
      'processing_error' in body &&
      body.processing_error === true
    )
  } catch {
    return false
  }
}

function redirectWords(answer: EndpointAnswer, status: number): string {
  const from = URL.parse(answer.url)
  const to = URL.parse(header(answer, 'location') ?? '')
  if (from === null || to === null) {
    return `${status}: your endpoint answered with a redirect that leads nowhere, and redirects are not followed. A handler answers 2xx.`
  }
  const shown = `${status}: your endpoint redirects to ${oneLine(to.origin + to.pathname)}, and redirects are not followed.`
  const samePath = from.pathname === to.pathname
  if (samePath && from.hostname === to.hostname && from.protocol === 'http:' && to.protocol === 'https:') {
    return `${shown} Set the URL with https.`
  }
  if (from.origin === to.origin && `${from.pathname}/` === to.pathname) {
    return `${shown} Set the URL with the slash at its end.`
  }
  if (from.origin === to.origin && from.pathname === `${to.pathname}/`) {
    return `${shown} Set the URL without the slash at its end.`
  }
  if (/\b(?:log-?in|sign-?in|sso)\b/i.test(to.pathname)) {
    return `${shown} That is a login: the path of your handler must be open to requests without a session.`
  }
  if (samePath && from.origin === to.origin) return `${shown} Only the query differs.`
  return `${shown} Set the URL to that one, if it is your handler.`
}

function refusedWords(answer: EndpointAnswer, status: number): string {
  const { authKey, hasSecret, secretScheme } = answer
  if (isWebPage(answer)) {
    return `${status} with a web page: what refuses the request stands in front of your handler (a firewall, a bot check, a login). Let POST to ${pathOf(answer)} through.`
  }
  if (!hasSecret) {
    return `${status}: your endpoint asks for a secret, and none was sent. Set authSecret (and authKey, which is Bearer as a rule) to what it expects.`
  }
  const words = [...(authKey ?? '').split(/\s+/), secretScheme ?? ''].filter((word) => word !== '')
  const sent = `\`Authorization: ${oneLine([...words, '…'].join(' '))}\``
  const [word] = words
  // A handler that says no more may have been given another secret, which is likelier, or compare it with its word.
  const differs = `${status}: the secrets differ, or your endpoint compares the whole header; it received ${sent}`
  if (word === undefined) {
    return `${differs}, the secret alone. If it expects \`Bearer …\`, set authKey to Bearer.`
  }
  if (new Set(words.map((each) => each.toLowerCase())).size < words.length) {
    return `${status}: your endpoint received ${sent}, which says ${oneLine(word)} twice. It belongs into authKey or into the secret, not into both.`
  }
  if (/^(?:authorization|x-.*)$|:$/i.test(word)) {
    return `${status}: your endpoint received ${sent}. authKey is the word before the secret there, such as Bearer, and not the name of a header.`
  }
  const whole = `${differs}, so what it is configured with must then hold both words.`
  return word.toLowerCase() === 'bearer'
    ? whole
    : `${whole} If it expects \`Bearer …\`, set authKey to Bearer.`
}

type Cause = NonNullable<AttemptResult['cause']>

/** What it means that no answer came. */
function silenceWords({ attempt, url, timeoutMs }: EndpointAnswer, cause: Cause): string {
  const { hostname, host } = URL.parse(url) ?? { hostname: 'of the URL', host: 'the host' }
  const message = attempt.message ?? 'nobody said why'
  const code = /\(([A-Z][A-Z\d_]+)\)$/.exec(message)?.[1] ?? null
  const coded = code === null ? '' : ` (${code})`
  switch (cause) {
    case 'timeout':
      return `No answer from ${host} within ${timeText(timeoutMs)}. Let your endpoint answer 200 first and work afterwards; if its log shows no request at all, a firewall swallows the connection.`
    case 'dns':
      return code === 'ENOTFOUND'
        ? `The name ${hostname} is not known. Is it spelt right, and is it public?`
        : `The name ${hostname} could not be looked up${coded}. Try again; if it stays so, look at its name servers.`
    case 'refused':
      if (code !== null && code !== 'ECONNREFUSED') {
        return `There is no way to ${host} from here${coded}. Is the address right, and does a firewall let this server through?`
      }
      return `Nothing listens at ${host}: does your endpoint run, and is the port right?${
        isOwnMachine(hostname) ? ' That address is the machine, or the container, of Hookswitch itself.' : ''
      }`
    case 'tls':
      return `No secure connection to ${host}${coded}: ${tlsWords[code ?? ''] ?? tlsWordsOtherwise}`
    case 'reset':
      return `${host} cut the connection before it answered${coded}. Your endpoint may have crashed on the event, or a proxy in front of it refuses it; their logs say why.`
    case 'protocol':
      return `What answers at ${host} does not speak HTTP as it should. Is the port right?`
    case 'blocked':
      return message.includes('by plain http')
        ? `It was not sent: ${message}. Set an https URL.`
        : `It was not sent: ${message}. If that address is meant, name it there and start the server again; otherwise set a public one.`
    case 'code':
    case 'settings':
      return `It was not sent: ${message}.`
  }
}

const selfSigned =
  'its certificate is self-signed, so that nobody vouches for it. Use one of a public authority, such as Let’s Encrypt.'
const chainIncomplete =
  'it does not send the certificates between its own and the authority’s. Configure the full chain.'
const notTls = 'what listens there does not speak TLS as it should. Is that the port for https?'

/** By the code of Node or OpenSSL; goes on after a colon. */
const tlsWords: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: selfSigned,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: chainIncomplete,
  UNABLE_TO_GET_ISSUER_CERT: chainIncomplete,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: chainIncomplete,
  CERT_HAS_EXPIRED: 'its certificate has expired. Renew it.',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet. Compare the clocks.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name. Use one for the host of the URL.',
  EPROTO: notTls,
  ERR_SSL_WRONG_VERSION_NUMBER: notTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: notTls,
}

const tlsWordsOtherwise = 'look at its certificate, and at the TLS versions that it offers.'

function isOwnMachine(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.')
}

function isWebPage(answer: EndpointAnswer): boolean {
  return (
    (header(answer, 'content-type') ?? '').toLowerCase().startsWith('text/html') ||
    /^\s*<(?:!doctype html|html)\b/i.test(answer.attempt.response?.body ?? '')
  )
}

function header({ attempt }: EndpointAnswer, name: string): string | null {
  return attempt.response?.headers[name] ?? null
}

/** The answer's own words, to be added to a sentence; of a web page there are none that help. */
function quoted(answer: EndpointAnswer): string {
  const body = oneLine(answer.attempt.response?.body ?? '')
  return body === '' || isWebPage(answer) ? '' : ` It says: ${body}`
}

function waitWords({ attempt }: EndpointAnswer): string {
  return attempt.retryAfterMs === null
    ? ''
    : ` and wants to be left alone for ${timeText(attempt.retryAfterMs)}`
}

/** Without the query. */
function pathOf({ url }: EndpointAnswer): string {
  return oneLine(URL.parse(url)?.pathname ?? '/')
}

/** Text of others, cut, on one line and without what could move a cursor or turn the line around. */
function oneLine(text: string): string {
  const line = text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\p{Control}\u202a-\u202e\u2066-\u2069]/gu, '\u{fffd}')
    .trim()
  if (line.length <= quotedCharactersMax) return line
  return `${line
    .slice(0, quotedCharactersMax)
    .replace(/[\ud800-\udbff]$/, '')
    .trimEnd()}…`
}

function timeText(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`
}
