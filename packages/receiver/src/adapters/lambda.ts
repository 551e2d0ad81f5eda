import type { Answer } from '../receiver/incoming.ts'
import type { Receiver } from '../receiver/receiver.ts'

/** What is used of the events of API Gateway (REST and HTTP APIs), function URLs, and load balancers. */
export interface LambdaEvent {
  /** REST APIs, load balancers, and HTTP APIs with payload format 1.0. */
  readonly httpMethod?: string | undefined
  /** Has the method in HTTP APIs with payload format 2.0 and function URLs; `unknown` as each kind has its own. */
  readonly requestContext?: unknown
  readonly headers?: LambdaHeaders<string> | null | undefined
  /** In place of `headers` where a load balancer is set so, and beside it from a REST API. */
  readonly multiValueHeaders?: LambdaHeaders<readonly string[]> | null | undefined
  readonly body?: string | null | undefined
  readonly isBase64Encoded?: boolean | undefined
}

export type LambdaHeaders<Value> = Readonly<Record<string, Value | undefined>>

export interface LambdaResult {
  statusCode: number
  headers?: Record<string, string>
  /** Where the event had nothing else: a load balancer that is set so leaves `headers` out. */
  multiValueHeaders?: Record<string, string[]>
  body: string
  isBase64Encoded: false
}

/**
 * For AWS Lambda behind API Gateway, a function URL or a load balancer.
 *
 * ```ts
 * export const handler = lambdaHandler(receiver)
 * ```
 */
export function lambdaHandler(receiver: Receiver): (event: LambdaEvent) => Promise<LambdaResult> {
  return async (event) => {
    const headers = readHeaders(event)
    const answer = await receiver.receive({
      method: methodOf(event),
      header: (name) => headers.get(name),
      body: readBody(event),
    })
    return resultOf(answer, event)
  }
}

function methodOf({ httpMethod, requestContext }: LambdaEvent): string {
  const { http } = (requestContext ?? {}) as { http?: { method?: string } }
  return httpMethod ?? http?.method ?? 'GET'
}

/** By names in lower case: payload format 2.0 writes them so, the others as the sender did. */
function readHeaders({ headers, multiValueHeaders }: LambdaEvent): Map<string, string | undefined> {
  const entries = Object.entries(headers ?? multiValueHeaders ?? {})
  return new Map(entries.map(([name, value]) => [name.toLowerCase(), value?.toString()]))
}

/** No text begins with it. */
const unreadable = 0xff

function readBody({ body, isBase64Encoded }: LambdaEvent): Uint8Array | null {
  if (body === undefined || body === null) return null
  if (isBase64Encoded !== true) return new TextEncoder().encode(body)
  let binary: string
  try {
    binary = atob(body)
  } catch {
    // The receiver says so, to those who may know.
    return Uint8Array.of(unreadable)
  }
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = binary.charCodeAt(index)
  return bytes
}

function resultOf({ status, headers, body }: Answer, event: LambdaEvent): LambdaResult {
  const result: LambdaResult = { statusCode: status, body, isBase64Encoded: false }
  const asksForLists = event.multiValueHeaders && !event.headers
  if (!asksForLists) return { ...result, headers: { ...headers } }
  const lists = Object.entries(headers).map(([name, value]) => [name, [value]])
  return { ...result, multiValueHeaders: Object.fromEntries(lists) as Record<string, string[]> }
}
