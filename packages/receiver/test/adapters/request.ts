import { secret } from './app.ts'

export interface RequestParts {
  method?: string
  path: string
  /** In place of the right one; null for none. */
  authorization?: string | null
  headers?: Record<string, string>
  body?: string | Uint8Array
}

/** A whole request with the length of its body. */
export function encodeRequest(parts: RequestParts): Buffer {
  const body = Buffer.from(parts.body ?? '')
  const isBare = parts.body === undefined
  return Buffer.concat([
    Buffer.from(headOf(parts, isBare ? {} : { 'content-length': String(body.length) })),
    body,
  ])
}

/** The head alone, with what says how the body will come. */
export function headOf(parts: RequestParts, framing: Record<string, string>): string {
  const { method = 'POST', path, authorization = `Bearer ${secret}`, headers = {} } = parts
  const all = {
    host: '127.0.0.1',
    ...(authorization === null ? {} : { authorization }),
    'content-type': 'application/json',
    ...headers,
    ...framing,
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}`]))
  return `${[`${method} ${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`
}

/** One piece of a body that comes in chunks. */
export function encodeChunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

export const lastChunk = '0\r\n\r\n'
