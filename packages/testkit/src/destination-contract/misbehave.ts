import type { PeerAnswer, PeerOptions } from './peer.ts'

/** An answer of a well-behaved peer. */
export interface PlainAnswer {
  status: number
  headers?: Readonly<Record<string, string>>
  body?: string
}

export function answers({ status, headers = {}, body = '' }: PlainAnswer): PeerAnswer {
  return (_request, response) => {
    response.writeHead(status, headers)
    response.end(body)
  }
}

/** Takes the request and says nothing. */
export const hangs: PeerAnswer = () => {}

/** Begins with headers that do not come to their end. */
export const answersSlowly: PeerAnswer = (_request, _response, socket) => {
  socket.write('HTTP/1.1 200 OK\r\nx-slow: ')
}

/** Promises a longer body than it gives, and closes the connection. */
export function cutsOff({ status, headers = {}, body = '' }: PlainAnswer): PeerAnswer {
  return (_request, response, socket) => {
    response.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body) + 1_000) })
    response.write(body, () => socket.end())
  }
}

/** Begins a body and then says no more. */
export function stallsAfter({ status, headers = {}, body = '' }: PlainAnswer): PeerAnswer {
  return (_request, response) => {
    response.writeHead(status, headers)
    response.write(body)
  }
}

/** Answers with a body that goes on as long as somebody reads it. */
export function neverEnds({ status, headers = {}, body = '' }: PlainAnswer): PeerAnswer {
  return (_request, response) => {
    response.writeHead(status, headers)
    response.write(body)
    const more = 'x'.repeat(16 * 1024)
    const goOn = (): void => {
      while (!response.destroyed && response.write(more));
    }
    response.on('drain', goOn)
    goOn()
  }
}

/** Answers with more headers than anybody keeps. */
export const overdoesHeaders: PeerAnswer = (_request, response) => {
  response.writeHead(200, { 'x-long': 'x'.repeat(64 * 1024) })
  response.end()
}

/** Answers with something that is not HTTP. */
export const babbles: PeerAnswer = (_request, _response, socket) => {
  socket.end('I am not a web server\r\n\r\n')
}

/** Closes the connection instead of answering. */
export const hangsUp: PeerAnswer = (_request, _response, socket) => {
  socket.destroy()
}

/** Resets every connection as soon as it is there. */
export const resetsAtOnce: PeerOptions = { onConnection: (socket) => socket.resetAndDestroy() }

/** Gives back all that it was sent, as some error pages do. */
export const echoes: PeerAnswer = ({ url, headers, body }, response) => {
  response.writeHead(400, {
    'x-echo': headers['authorization'] ?? '',
    location: url,
    'set-cookie': 'session=kept-to-itself',
  })
  response.end(JSON.stringify({ url, headers, body: body.toString() }))
}
