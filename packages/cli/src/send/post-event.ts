import { printable } from '../terminal/printable.ts'
import { unreachable } from '../api/unreachable.ts'
import type { Ending } from '../failure.ts'

export interface Delivered {
  status: number
  /** From the request to the whole answer. */
  ms: number
  /** The answer as JSON, or as text where it is none. */
  answer: unknown
}

/** The platform gives an endpoint 5 s; ours answers 503 after 4 s. More is patience with a debugger. */
const answerMs = 30_000

/** How much of an answer that is not ours is shown. */
const answerCharactersMax = 200

/** Sends one event to an endpoint. Rejects with a `CommandFailure` when there is no answer. */
export async function postEvent(
  url: string,
  body: Uint8Array<ArrayBuffer>,
  authorization: string | null,
): Promise<Delivered> {
  const startedAt = performance.now()
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      // A redirect would hand the secret to wherever it points; the platform does not follow one either.
      redirect: 'manual',
      headers: {
        'content-type': 'application/json',
        ...(authorization === null ? {} : { authorization }),
      },
      signal: AbortSignal.timeout(answerMs),
    })
    const text = await response.text()
    return { status: response.status, ms: performance.now() - startedAt, answer: parsed(text) }
  } catch (error) {
    throw unreachable(
      url,
      error,
      'Start a server with "hookswitch serve", or name another endpoint with --to.',
    )
  }
}

export function endingOf(status: number): Ending {
  if (status >= 200 && status < 300) return 'ok'
  if (status === 401 || status === 403) return 'refused'
  return status === 404 ? 'notFound' : 'failed'
}

/** One line on what became of it: `200 received evt_… 3.1 ms`. */
export function formatDelivered({ status, ms, answer }: Delivered): string {
  return `${status} ${wordsOf(answer)} ${ms.toFixed(1)} ms`
}

function wordsOf(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null) return shortened(String(answer))
  const { received, duplicate, id, error, issues } = answer as Record<string, unknown>
  if (received === true && typeof id === 'string') {
    return `${duplicate === true ? 'duplicate' : 'received'} ${printable(id)}`
  }
  if (typeof error !== 'string') return shortened(JSON.stringify(answer))
  const details = Array.isArray(issues)
    ? (issues as { path?: unknown; message?: unknown }[]).map((issue) => {
        return `${String(issue.path)} ${String(issue.message)}`.trim()
      })
    : []
  return printable([error, ...details].join('; '))
}

function shortened(text: string): string {
  const plain = printable(text.trim())
  if (plain === '') return '(empty answer)'
  return plain.length > answerCharactersMax ? `${plain.slice(0, answerCharactersMax)}…` : plain
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
