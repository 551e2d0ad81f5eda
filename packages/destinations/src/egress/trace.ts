import { type RequestTrace, type ResponseTrace, traceBytesMax } from '@hookswitch/core'
import type { EgressAnswer, EgressRequest } from './egress.ts'

/** What a person may see of one request and its answer. */
export interface Trace {
  request: RequestTrace
  response(answer: EgressAnswer): ResponseTrace
  /** Where a redirect leads, as far as it may be shown; null where the answer is none. */
  redirect(answer: EgressAnswer): string | null
}

const masked = '***'

/** Shorter texts stand in every answer; to mask them would blot it out, and they keep nothing secret. */
const secretCharactersMin = 6

/** @param headers those that are sent, their names in lower case. */
export function traceOf(request: EgressRequest, url: URL, headers: Record<string, string>): Trace {
  const secretHeaders = new Set(
    ['authorization', ...(request.secretHeaders ?? [])].map((name) => name.toLowerCase()),
  )
  const secretValues = Object.entries(headers).flatMap(([name, value]) =>
    // Of `Bearer …` an answer may repeat the secret alone.
    secretHeaders.has(name) ? [value, value.slice(value.indexOf(' ') + 1)] : [],
  )
  const isPathSecret = request.shownUrl !== undefined
  const mask = masking([
    ...(request.secrets ?? []),
    ...secretValues,
    url.search.slice(1),
    ...url.searchParams.values(),
    ...(isPathSecret ? [url.pathname] : []),
  ])
  const shown = (target: URL): string => target.origin + (isPathSecret ? '' : mask(target.pathname))

  const redirect = ({ status, headers: answered }: EgressAnswer): string | null => {
    const location = answered['location']
    if (status < 300 || status >= 400 || location === undefined) return null
    const target = URL.parse(location, url.href)
    return target === null ? 'nowhere' : shown(target)
  }

  const body = typeof request.body === 'string' ? Buffer.from(request.body) : request.body
  return {
    request: {
      method: request.method,
      url: request.shownUrl ?? shown(url),
      headers: maskValues(headers, (name, value) => (secretHeaders.has(name) ? masked : mask(value))),
      bodyBytes: body.byteLength,
      body: request.traceBody === true ? beginning(mask(headOf(body))).text : null,
    },
    response(answer) {
      const { text, truncated } = beginning(mask(answer.body))
      return {
        headers: maskValues(answer.headers, (name, value) => {
          if (name === 'set-cookie') return masked
          return name === 'location' ? (redirect(answer) ?? masked) : mask(value)
        }),
        body: text,
        truncated: truncated || answer.truncated,
      }
    },
    redirect,
  }
}

function maskValues(
  headers: Record<string, string>,
  show: (name: string, value: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, show(name, value)]))
}

/** Masks the texts as they are, and as JSON and a URL write them. */
function masking(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .filter((secret) => secret.length >= secretCharactersMin)
    .flatMap((secret) => [
      secret,
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret.toWellFormed()),
    ])
    // One may be the beginning of another.
    .sort((one, other) => other.length - one.length)
  return (text) => forms.reduce((rest, secret) => rest.replaceAll(secret, masked), text)
}

/** What is masked of a body before it is cut: more than is kept, so that the cut goes through no secret. */
function headOf(body: Uint8Array): string {
  return new TextDecoder().decode(body.subarray(0, 4 * traceBytesMax))
}

/** The part of a body that is kept. PostgreSQL stores no NUL in a text. */
function beginning(text: string): { text: string; truncated: boolean } {
  const bytes = Buffer.from(text.replaceAll('\0', '\uFFFD'))
  if (bytes.byteLength <= traceBytesMax) return { text: bytes.toString(), truncated: false }
  // A character that the cut goes through is left out.
  return {
    text: new TextDecoder().decode(bytes.subarray(0, traceBytesMax), { stream: true }),
    truncated: true,
  }
}
