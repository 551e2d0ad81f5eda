import diagnostics from 'node:diagnostics_channel'
import { afterEach, expect, test } from 'vitest'
import { answerBytesMax } from '@hookswitch/core'
import { createEgress, type Egress, EgressFailure, type EgressOptions } from '@hookswitch/destinations'
import {
  answers,
  cutsOff,
  hangs,
  loopback,
  neverEnds,
  type Peer,
  type PeerAnswer,
  type PeerOptions,
  stallsAfter,
  startPeer,
  testCertificate,
} from '@hookswitch/testkit/destination-contract'

const egresses: Egress[] = []
const peers: Peer[] = []

afterEach(async () => {
  for (const egress of egresses.splice(0)) await egress.close()
  for (const peer of peers.splice(0)) {
    await peer.deserted()
    await peer.close()
  }
})

function egressWith(options: Partial<EgressOptions> = {}): Egress {
  const egress = createEgress({ allow: loopback(), version: '1.2.3', ...options })
  egresses.push(egress)
  return egress
}

async function peerThat(answer: PeerAnswer, options?: PeerOptions): Promise<Peer> {
  const peer = await startPeer(answer, options)
  peers.push(peer)
  return peer
}

const never = new AbortController().signal

function post(url: string, body: string | Uint8Array = '{}') {
  return { method: 'POST', url, headers: {}, body } as const
}

/** Resolves when a client in this process has the headers of the next answer. */
function nextHeaders(): Promise<void> {
  return new Promise((resolve) => {
    const name = 'undici:request:headers'
    const seen = (): void => {
      diagnostics.unsubscribe(name, seen)
      resolve()
    }
    diagnostics.subscribe(name, seen)
  })
}

test('a body goes out byte for byte, with its length and the name of the sender', async () => {
  const peer = await peerThat(answers({ status: 200, body: 'thanks' }))
  const body = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256)
  // A view into something larger: only its own bytes are sent.
  const view = new Uint8Array(70_100).subarray(50, 70_050)
  view.set(body)
  const answer = await egressWith().request(post(`${peer.url}/hook?a=1`, view), never)
  expect(answer).toMatchObject({ status: 200, body: 'thanks', truncated: false })
  expect(peer.requests[0]).toMatchObject({ method: 'POST', url: '/hook?a=1' })
  expect(peer.requests[0]?.body.equals(body)).toBe(true)
  expect(peer.requests[0]?.headers).toMatchObject({
    'content-length': '70000',
    'user-agent': 'Hookswitch/1.2.3',
  })
})

test('headers may be written in any case, and a User-Agent of the request goes before ours', async () => {
  const peer = await peerThat(answers({ status: 200 }))
  const headers = { 'User-Agent': 'Somebody/1', 'X-KEY': 'v' }
  await egressWith().request({ ...post(peer.url), headers }, never)
  expect(peer.requests[0]?.headers).toMatchObject({ 'user-agent': 'Somebody/1', 'x-key': 'v' })
})

test('connections are used again - a handshake for each event would be most of its cost', async () => {
  const peer = await peerThat(answers({ status: 200 }))
  const egress = egressWith()
  for (let count = 0; count < 10; count += 1) await egress.request(post(peer.url), never)
  expect(peer.requests).toHaveLength(10)
  // A connection is free again a turn of the event loop after its answer; the next request may take a second one.
  expect(peer.connections()).toBeLessThanOrEqual(2)
})

test('each request under way has a connection of its own - one that hangs holds up no other', async () => {
  let asked = 0
  const peer = await peerThat((_request, response) => {
    asked += 1
    if (asked > 20) response.end('here')
  })
  const egress = egressWith()
  const ending = new AbortController()
  const stopped = new Error('stop')
  const hanging = Array.from({ length: 20 }, () =>
    expect(egress.request(post(peer.url), ending.signal)).rejects.toBe(stopped),
  )
  await peer.reached(20)
  expect(await egress.request(post(peer.url), never)).toMatchObject({ body: 'here' })
  ending.abort(stopped)
  await Promise.all(hanging)
})

test('a connection that was closed while it lay idle costs no try', async () => {
  const peer = await peerThat((_request, response, socket) => {
    response.end('bye', () => socket.end())
  })
  const egress = egressWith()
  expect(await egress.request(post(peer.url), never)).toMatchObject({ status: 200 })
  await peer.deserted()
  expect(await egress.request(post(peer.url), never)).toMatchObject({ status: 200 })
  expect(peer.connections()).toBe(2)
})

test('an answer is read up to a limit, and its connection given up', async () => {
  const peer = await peerThat(neverEnds({ status: 200 }))
  const answer = await egressWith().request(post(peer.url), never)
  expect(answer).toMatchObject({ status: 200, truncated: true })
  expect(answer.body).toHaveLength(answerBytesMax)
  await peer.deserted()
})

test('an answer of exactly the limit is whole', async () => {
  const peer = await peerThat(answers({ status: 200, body: 'x'.repeat(answerBytesMax) }))
  expect(await egressWith().request(post(peer.url), never)).toMatchObject({ truncated: false })
})

test('a success without end is a success - the receiver has said what it made of the event', async () => {
  const peer = await peerThat(neverEnds({ status: 202 }))
  expect(await egressWith().attempt(post(peer.url), never)).toMatchObject({
    verdict: 'delivered',
    status: 202,
    response: { truncated: true },
  })
})

test('an answer that was cut is given as far as it came', async () => {
  const peer = await peerThat(cutsOff({ status: 201, body: 'the beginning' }))
  expect(await egressWith().request(post(peer.url), never)).toMatchObject({
    status: 201,
    body: 'the beginning',
    truncated: true,
  })
})

test('a body that stops coming is given up at the end of the try, and its status counts', async () => {
  const peer = await peerThat(stallsAfter({ status: 201, body: 'please hold' }))
  for (const reason of [new DOMException('too late', 'TimeoutError'), new Error('the node stops')]) {
    const ending = new AbortController()
    const headers = nextHeaders()
    const sent = egressWith().attempt(post(peer.url), ending.signal)
    await headers
    ending.abort(reason)
    expect(await sent).toMatchObject({ verdict: 'delivered', status: 201, response: { truncated: true } })
    await peer.deserted()
  }
})

test('a try may have a time of its own besides the signal', async () => {
  const peer = await peerThat(hangs)
  const sent = egressWith().request({ ...post(peer.url), timeoutMs: 50 }, never)
  await expect(sent).rejects.toMatchObject({
    failure: 'timeout',
    message: `127.0.0.1:${peer.port} did not answer in time`,
  })
})

test('a name that is still being resolved does not outlast the try, and nothing is sent afterwards', async () => {
  const peer = await peerThat(answers({ status: 200 }))
  const resolving = Promise.withResolvers<{ address: string; family: number }[]>()
  const egress = egressWith({ resolve: () => resolving.promise })
  const sent = egress.request({ ...post(`http://slow.example:${peer.port}`), timeoutMs: 20 }, never)
  await expect(sent).rejects.toMatchObject({ failure: 'timeout' })
  resolving.resolve([{ address: '127.0.0.1', family: 4 }])
  await egress.request(post(peer.url), never)
  expect(peer.requests, 'the one of the second request').toHaveLength(1)
})

test('a name is resolved once for all who wait for it - the system resolves two at a time', async () => {
  const peer = await peerThat(answers({ status: 200 }))
  const resolving = Promise.withResolvers<{ address: string; family: number }[]>()
  let asked = 0
  const egress = egressWith({
    resolve: () => {
      asked += 1
      return resolving.promise
    },
  })
  const sent = Array.from({ length: 10 }, () =>
    egress.request(post(`http://one.example:${peer.port}`), never),
  )
  resolving.resolve([{ address: '127.0.0.1', family: 4 }])
  await Promise.all(sent)
  expect(asked).toBe(1)
})

test('all addresses of a name are tried - one of them may be down', async () => {
  const peer = await peerThat(answers({ status: 200 }))
  const resolve = () =>
    Promise.resolve([
      // Loopback too, and nobody listens there.
      { address: '127.9.9.9', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ])
  const answer = egressWith({ resolve }).request(post(`http://two.example:${peer.port}`), never)
  expect(await answer).toMatchObject({ status: 200 })
})

test('closing ends all connections, and a try that is still under way with them', async () => {
  const peer = await peerThat(hangs)
  const egress = egressWith()
  const ended = egress.request(post(peer.url), never).catch((error: unknown) => error)
  await peer.reached()
  await egress.close()
  expect(await ended).toMatchObject({ failure: 'reset' })
  await peer.deserted()
  await expect(egress.request(post(peer.url), never)).rejects.toMatchObject({ failure: 'reset' })
})

test('a certificate must be for the name, and by somebody who is trusted', async () => {
  const peer = await peerThat(answers({ status: 200 }), { secure: true })
  const resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }])
  const trusting = egressWith({ resolve, ca: testCertificate.cert })
  expect(await trusting.request(post(`https://peer.example:${peer.port}`), never)).toMatchObject({
    status: 200,
  })
  expect(await trusting.request(post(peer.url), never), 'an address').toMatchObject({ status: 200 })
  await expect(trusting.request(post(`https://other.example:${peer.port}`), never)).rejects.toMatchObject({
    failure: 'tls',
    message: `other.example:${peer.port} could not be reached securely (ERR_TLS_CERT_ALTNAME_INVALID)`,
  })
  await expect(egressWith().request(post(peer.url), never)).rejects.toMatchObject({
    failure: 'tls',
    message: `127.0.0.1:${peer.port} could not be reached securely (DEPTH_ZERO_SELF_SIGNED_CERT)`,
  })
  expect(peer.requests).toHaveLength(2)
})

test('a server that speaks no TLS fails as that', async () => {
  const peer = await peerThat(answers({ status: 200 }))
  await expect(egressWith().request(post(`https://127.0.0.1:${peer.port}`), never)).rejects.toMatchObject({
    failure: 'tls',
  })
})

test('a header that HTTP does not allow is the fault of the settings', async () => {
  const peer = await peerThat(answers({ status: 200 }))
  const request = { ...post(peer.url), headers: { 'x-key': 'line one\nline two' } }
  const failure = await egressWith()
    .request(request, never)
    .catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(EgressFailure)
  expect(failure).toMatchObject({ failure: 'settings', message: expect.not.stringContaining('line one') })
})

test('a trace shows the request without its query, its credentials and its secret headers', async () => {
  const peer = await peerThat(answers({ status: 200 }))
  const { request } = await egressWith().attempt(
    {
      ...post(`${peer.url}/hook?token=in-the-query`, 'dear template'),
      headers: { Authorization: 'Bearer open-sesame', 'X-Key': 'key-of-theirs', 'X-Kind': 'call' },
      secretHeaders: ['X-Key'],
      traceBody: true,
    },
    never,
  )
  expect(request).toEqual({
    method: 'POST',
    url: `${peer.url}/hook`,
    headers: { 'user-agent': 'Hookswitch/1.2.3', authorization: '***', 'x-key': '***', 'x-kind': 'call' },
    bodyBytes: 13,
    body: 'dear template',
  })
})

test('a query is masked in what comes back - some put their secrets there', async () => {
  const peer = await peerThat(({ url }, response) => {
    response.end(`no such hook: ${url}, no such token: open-sesame`)
  })
  const { response } = await egressWith().attempt(post(`${peer.url}/hook?token=open-sesame`), never)
  expect(response?.body).toBe('no such hook: /hook?***, no such token: ***')
})

test('a trace shows nothing of a path that is secret, not even where a redirect leads to', async () => {
  const redirects: PeerAnswer = ({ url, headers }, response) => {
    response.writeHead(308, { location: `https://${headers['host']}${url}`, 'x-at': url })
    response.end(`moved: ${url}`)
  }
  const peer = await peerThat(redirects)
  const url = `${peer.url}/services/T000/open-sesame`
  const result = await egressWith().attempt({ ...post(url), shownUrl: `${peer.url}/…` }, never)
  expect(result).toMatchObject({
    verdict: 'reject',
    status: 308,
    message: `127.0.0.1:${peer.port} redirects to https://127.0.0.1:${peer.port}, and redirects are not followed`,
    request: { url: `${peer.url}/…` },
    response: { body: 'moved: ***', headers: { 'x-at': '***' } },
  })
  expect(JSON.stringify(result)).not.toContain('open-sesame')
})

test('a secret is masked in what comes back, as it is and as JSON and a URL write it', async () => {
  const secret = 'sésame & "co"'
  const peer = await peerThat((_request, response) => {
    response.end(`${secret}|${JSON.stringify(secret)}|${encodeURIComponent(secret)}|no secret`)
  })
  const { response } = await egressWith().attempt({ ...post(peer.url), secrets: [secret] }, never)
  expect(response?.body).toBe('***|"***"|***|no secret')
})
