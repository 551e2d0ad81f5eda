import { setTimeout as delay } from 'node:timers/promises'
import type { ServerProcess } from './server-process.ts'

type Reached = Pick<ServerProcess, 'url' | 'secret' | 'adminToken'>

export interface Answer {
  status: number
  body: Record<string, unknown>
  headers: Headers
}

/** Sends a body to the ingest, with the right secret unless told otherwise. */
export async function post(
  server: Reached,
  body: string | Uint8Array<ArrayBuffer>,
  options: { path?: string; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Answer> {
  const response = await fetch(server.url + (options.path ?? '/webhook'), {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${server.secret}`,
      ...options.headers,
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  return answerOf(response)
}

/** Asks the API, below `/api/v1`. */
export async function api(server: Reached, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    ...init,
    headers: { authorization: `Bearer ${server.adminToken}`, ...(init.headers as Record<string, string>) },
  })
  return answerOf(response)
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text()
  let body: Record<string, unknown> = {}
  try {
    body = JSON.parse(text) as Record<string, unknown>
  } catch {
    body = { text }
  }
  return { status: response.status, body, headers: response.headers }
}

/** Every event of the log, page by page. */
export async function allEvents(server: Reached, query = ''): Promise<Record<string, unknown>[]> {
  const events: Record<string, unknown>[] = []
  let after = 0
  for (;;) {
    const page = await api(server, `/events?limit=200&after=${after}${query}`)
    if (page.status !== 200) throw new Error(`GET /events answered ${page.status}`)
    const items = page.body['items'] as { seq: number }[]
    events.push(...items)
    const last = items.at(-1)
    if (last === undefined) return events
    after = last.seq
  }
}

/** Asks again until `check` says yes; fails after `timeoutMs` with what was waited for. */
export async function until<T>(
  what: string,
  check: () => Promise<T | null | undefined | false>,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await check()
    if (found !== null && found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for: ${what}`)
    await delay(20)
  }
}
