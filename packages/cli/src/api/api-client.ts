import { hostname, userInfo } from 'node:os'
import { CommandFailure } from '../failure.ts'
import { printable } from '../terminal/printable.ts'
import { unreachable } from './unreachable.ts'

export type Query = Readonly<Record<string, string | number | undefined>>

/** A page of a list of the API. */
export interface Page<Item> {
  items: Item[]
  nextCursor: string | null
}

export interface Answer<T> {
  value: T
  /**
   * As it came. `--json` prints this and not the value, so that the keys of a body keep their order and its numbers
   * their digits.
   */
  text: string
}

interface SendOptions {
  query?: Query
  headers?: Readonly<Record<string, string>>
  /** For what takes longer than to look something up. */
  answerMs?: number
}

/** The HTTP API of one server. Every method rejects with a `CommandFailure` that says what to try. */
export interface ApiClient {
  /** Of the server, without a slash at its end. */
  readonly url: string
  get<T>(path: string, query?: Query): Promise<Answer<T>>
  post<T>(path: string, body: unknown, options?: SendOptions): Promise<Answer<T>>
  patch<T>(path: string, body: unknown, query?: Query): Promise<Answer<T>>
  delete(path: string, query?: Query): Promise<void>
  /** Opens a stream of events; how long it may be silent is the caller's business. */
  stream(path: string, query: Query, headers: Record<string, string>, signal: AbortSignal): Promise<Response>
}

/** Longer than the slowest page of a list takes on a busy machine. */
const answerMs = 30_000

/** Of an answer that is no JSON, as much as helps to see whose it is. */
const strangeTextMax = 80

/** @param option that names the server, for what is said where it is the wrong one. */
export function createApiClient(serverUrl: string, token: string, option = '--url'): ApiClient {
  const url = serverUrl.replace(/\/+$/, '')

  async function request(method: string, path: string, query: Query, init: RequestInit): Promise<Response> {
    const target = new URL(`${url}/api/v1${path}`)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.append(name, String(value))
    }
    let response: Response
    try {
      response = await fetch(target, {
        ...init,
        method,
        // A redirect would hand the token to wherever it points.
        redirect: 'manual',
        headers: {
          ...(init.headers as Record<string, string>),
          authorization: `Bearer ${token}`,
          ...(method === 'GET' ? {} : { 'hookswitch-actor': actor() }),
        },
      })
    } catch (error) {
      if (init.signal?.aborted === true && !isTimeout(init.signal.reason)) throw error
      throw unreachable(url, error, `Start a server with "hookswitch serve", or name another with ${option}.`)
    }
    if (!response.ok) throw await refusal(url, target.pathname, response, option)
    return response
  }

  async function answer<T>(response: Response): Promise<Answer<T>> {
    const text = await response.text().catch((error: unknown) => {
      throw unreachable(url, error, 'Try again.')
    })
    try {
      return { value: JSON.parse(text) as T, text }
    } catch {
      throw strange(url, response, text, option)
    }
  }

  const limited = (ms = answerMs): RequestInit => ({ signal: AbortSignal.timeout(ms) })

  async function sent<T>(
    method: string,
    path: string,
    body: unknown,
    options: SendOptions = {},
  ): Promise<Answer<T>> {
    const headers = { ...options.headers, 'content-type': 'application/json' }
    const init = { ...limited(options.answerMs), headers, body: JSON.stringify(body) }
    return answer(await request(method, path, options.query ?? {}, init))
  }

  return {
    url,
    get: async (path, query = {}) => answer(await request('GET', path, query, limited())),
    post: (path, body, options) => sent('POST', path, body, options),
    patch: (path, body, query = {}) => sent('PATCH', path, body, { query }),
    delete: async (path, query = {}) => {
      await (await request('DELETE', path, query, limited())).body?.cancel()
    },
    stream: (path, query, headers, signal) => request('GET', path, query, { headers, signal }),
  }
}

/** Who types, for the audit log: the name on this machine, as a header can carry it. */
function actor(): string {
  let name = 'hookswitch'
  try {
    name = userInfo().username
  } catch {
    // A container may run as a number that has no name.
  }
  return `${name}@${hostname()}`.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 100)
}

function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError'
}

/** What an answer other than 2xx means for whoever typed the command. */
async function refusal(
  url: string,
  path: string,
  response: Response,
  option: string,
): Promise<CommandFailure> {
  const { status } = response
  const text = await response.text().catch(() => '')
  const said = errorIn(text)
  if (status === 401 || status === 403) {
    return new CommandFailure(
      'refused',
      `${url} refused the admin token (${status}). Give the one of that server with --token or ` +
        'HOOKSWITCH_ADMIN_TOKEN; where none was set it lies in the data folder, in the file admin-token.',
    )
  }
  if (said === null) return strange(url, response, text, option)
  if (status === 404) return new CommandFailure('notFound', `${url}${path}: ${said}`)
  if (status === 400) return new CommandFailure('usage', `${url} did not understand: ${said}`)
  const advice = status === 503 ? ' Try again in a moment; "hookswitch doctor" says what ails the store.' : ''
  return new CommandFailure('failed', `${url} answered ${status}: ${said}.${advice}`)
}

/** The text of an error of ours; null where the answer is none. */
function errorIn(text: string): string | null {
  try {
    const { error } = JSON.parse(text) as { error?: unknown }
    return typeof error === 'string' ? printable(error) : null
  } catch {
    return null
  }
}

function strange(url: string, response: Response, text: string, option: string): CommandFailure {
  const start = printable(text.slice(0, strangeTextMax).trim())
  return new CommandFailure(
    'failed',
    `${url} is no Hookswitch server: it answered ${response.status}${start === '' ? '' : ` with "${start}"`}. ` +
      `Name the right one with ${option}.`,
  )
}
