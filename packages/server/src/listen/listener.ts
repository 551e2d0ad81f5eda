import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { isIngestPath, type Ingest } from '@hookswitch/core'

export interface ListenerOptions {
  ingest: Ingest
  api: (request: IncomingMessage, response: ServerResponse) => void
  /** True from the moment when a stop has begun: connections end with the answers that are still given. */
  stopping: () => boolean
  /** Resolves when events can be accepted, rejects otherwise. */
  ready: () => Promise<void>
  metrics: () => Promise<{ contentType: string; text: string }>
  tls: { cert: Buffer; key: Buffer } | null
  /** A connection that did not speak HTTP. */
  onMalformed: (address: string, status: number) => void
}

/** Whole head of a request; bodies of the ingest have a limit of their own. */
const headersMs = 10_000

/** Longer than the idle time of common proxies (60 s), so that it is they who close a connection. */
const keepAliveMs = 75_000

const requestMs = 60_000
const connectionsMax = 10_000

/** One listener for everything; the ingest is asked first, because it is what must be fast. */
export function createListener(options: ListenerOptions): Server {
  const { ingest } = options
  const settings = {
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: 1_000,
  }
  const server =
    options.tls === null
      ? createServer(settings)
      : (createTlsServer({ ...settings, ...options.tls }) as unknown as Server)
  server.maxConnections = connectionsMax
  server.on('request', (request, response) => {
    if (isIngestPath(request.url ?? '')) ingest.handle(request, response)
    else handleOther(request, response, options)
  })
  server.on('checkContinue', (request, response) => {
    if (isIngestPath(request.url ?? '')) ingest.handleExpectingContinue(request, response)
    else {
      response.writeContinue()
      handleOther(request, response, options)
    }
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    const address = (socket as Duplex & { remoteAddress?: string }).remoteAddress ?? ''
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const answering = (socket as Duplex & { _httpMessage?: ServerResponse | null })._httpMessage
    if (answering?.req.complete === true) {
      // What came before was a whole request; it gets its own answer, and the connection ends with that.
      answering.shouldKeepAlive = false
      return
    }
    const { status, phrase, code, text } = malformedAnswer(error.code)
    options.onMalformed(address, status)
    const body = JSON.stringify({ error: text, code })
    socket.end(
      `HTTP/1.1 ${status} ${phrase}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    )
  })
  return server
}

interface MalformedAnswer {
  status: number
  phrase: string
  code: string
  text: string
}

function malformedAnswer(code: string | undefined): MalformedAnswer {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const text = 'Request header fields too large'
    return { status: 431, phrase: 'Request Header Fields Too Large', code: 'headers_too_large', text }
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return { status: 408, phrase: 'Request Timeout', code: 'request_timeout', text: 'Request timeout' }
  }
  return { status: 400, phrase: 'Bad Request', code: 'malformed_http', text: 'Malformed HTTP request' }
}

function handleOther(request: IncomingMessage, response: ServerResponse, options: ListenerOptions): void {
  if (options.stopping()) response.shouldKeepAlive = false
  const [path = '/'] = (request.url ?? '/').split('?', 1)
  if (path.startsWith('/api/')) {
    options.api(request, response)
    return
  }
  request.resume()
  const page = pages[path]
  if (page === undefined) {
    sendJson(response, 404, { error: 'Not found', code: 'not_found' })
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    sendJson(response, 405, { error: 'Method not allowed', code: 'method_not_allowed' })
  } else {
    page(response, options).catch(() => {
      if (!response.headersSent) sendJson(response, 500, { error: 'Internal error', code: 'internal' })
    })
  }
}

const pages: Record<string, (response: ServerResponse, options: ListenerOptions) => Promise<void>> = {
  '/': async (response) => {
    sendJson(response, 200, { name: 'hookswitch', ingest: '/webhook', api: '/api/v1/openapi.json' })
  },
  '/healthz': async (response) => {
    sendJson(response, 200, { status: 'ok' })
  },
  '/readyz': async (response, { ready }) => {
    try {
      await ready()
      sendJson(response, 200, { status: 'ready' })
    } catch {
      response.setHeader('Retry-After', '2')
      sendJson(response, 503, { status: 'unavailable' })
    }
  },
  '/metrics': async (response, { metrics }) => {
    const { contentType, text } = await metrics()
    response.writeHead(200, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(text) })
    response.end(text)
  },
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value)
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}
