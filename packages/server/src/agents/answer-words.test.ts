import type { AttemptResult } from '@hookswitch/core'
import { createEgress, destinationKinds, type EgressOptions } from '@hookswitch/destinations'
import {
  answers,
  babbles,
  deafPort,
  hangs,
  hangsUp,
  loopback,
  sampleMessage,
  startPeer,
  type Peer,
  type PeerAnswer,
  type PeerOptions,
  type PlainAnswer,
} from '@hookswitch/testkit/destination-contract'
import { describe, expect, onTestFinished, test } from 'vitest'
import { answerWords, type EndpointAnswer } from './answer-words.ts'

type Settings = Partial<Pick<EndpointAnswer, 'authKey' | 'secretScheme' | 'timeoutMs'>> & {
  authSecret?: string
  durationMs?: number
  egress?: Partial<EgressOptions>
}

const secret = 'a-secret-of-the-endpoint'

/** What a webhook really gets from this URL, in words. */
async function wordsAt(url: string, settings: Settings = {}): Promise<string> {
  const { authKey, authSecret, secretScheme = null, durationMs = 43, timeoutMs = 5_000 } = settings
  const kind = destinationKinds.get('webhook')
  if (kind === undefined) throw new Error('there is no webhook')
  const egress = createEgress({ allow: loopback(), version: 'test', ...settings.egress })
  onTestFinished(() => egress.close())
  const open = kind.open(
    kind.settings.parse({
      url,
      timeoutSeconds: Math.max(1, timeoutMs / 1_000),
      ...(authKey == null ? {} : { authKey }),
      ...(authSecret === undefined ? {} : { authSecret }),
    }),
    {
      name: 'agent:agent-123',
      egress,
      publicUrl: null,
      version: 'test',
      runHandler: () => Promise.reject(new Error('no handler runs here')),
      overrideOf: () => Promise.reject(new Error('no call is overridden here')),
    },
  )
  const sent = await open.send(sampleMessage(), new AbortController().signal)
  return answerWords({
    eventType: 'call.ended',
    attempt: { ...sent, durationMs },
    url,
    authKey,
    hasSecret: authSecret !== undefined,
    secretScheme,
    timeoutMs,
  })
}

async function peerThat(answer: PeerAnswer, options?: PeerOptions): Promise<Peer> {
  const peer = await startPeer(answer, options)
  onTestFinished(() => peer.close())
  return peer
}

async function wordsFor(answer: PlainAnswer, settings: Settings = {}): Promise<string> {
  const peer = await peerThat(answers(answer))
  return wordsAt(`${peer.url}/webhook?token=of-the-query`, settings)
}

describe('an endpoint that takes the event', () => {
  test('is told how fast it was', async () => {
    expect(await wordsFor({ status: 204 })).toBe('Your endpoint answered 204 after 43 ms.')
    expect(await wordsFor({ status: 200 }, { durationMs: 3_000 })).toBe(
      'Your endpoint answered 200 after 3 s.',
    )
  })

  test('is warned when it is slow - on a busy day it would be too late', async () => {
    expect(await wordsFor({ status: 200 }, { durationMs: 3_421 })).toBe(
      'Your endpoint answered 200, but only after 3.4 s of the 5 s that it has; later ones count as failed. Let it answer first and work afterwards.',
    )
  })

  test.each<PlainAnswer>([
    { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: 'Welcome' },
    { status: 200, body: '\n<!DOCTYPE html><title>Welcome</title>' },
  ])(
    'with a web page is asked for the path of its handler - a start page says 200 to anything',
    async (answer) => {
      expect(await wordsFor(answer)).toBe(
        'Your endpoint answered 200, but with a web page, so that nothing may have read the event. Is /webhook the path of your handler?',
      )
    },
  )

  test('with processing_error has failed all the same - the handlers of the guide say 200 when they throw', async () => {
    const body = JSON.stringify({ received: true, processing_error: true })
    expect(await wordsFor({ status: 200, body }, { durationMs: 4_900 })).toBe(
      'Your endpoint answered 200, but with processing_error: its handler failed on call.ended, and since it says 200 the event is not sent again. Its own log says why.',
    )
    for (const fine of ['{"received":true,"processing_error":false}', 'null', '"processing_error"', '{']) {
      expect(await wordsFor({ status: 200, body: fine })).toBe('Your endpoint answered 200 after 43 ms.')
    }
  })
})

describe('an endpoint that refuses the secret', () => {
  const refusal = { status: 401, body: '{"error":"Unauthorized"}' }

  test.each<[authKey: string | null, secretScheme: string | null, words: string]>([
    [
      'Bearer',
      null,
      'the secrets differ, or your endpoint compares the whole header; it received `Authorization: Bearer …`, so what it is configured with must then hold both words.',
    ],
    [
      'Token',
      null,
      'the secrets differ, or your endpoint compares the whole header; it received `Authorization: Token …`, so what it is configured with must then hold both words. If it expects `Bearer …`, set authKey to Bearer.',
    ],
    [
      null,
      null,
      'the secrets differ, or your endpoint compares the whole header; it received `Authorization: …`, the secret alone. If it expects `Bearer …`, set authKey to Bearer.',
    ],
    [
      null,
      'Bearer',
      'the secrets differ, or your endpoint compares the whole header; it received `Authorization: Bearer …`, so what it is configured with must then hold both words.',
    ],
    [
      'Bearer',
      'bearer',
      'your endpoint received `Authorization: Bearer bearer …`, which says Bearer twice. It belongs into authKey or into the secret, not into both.',
    ],
    [
      'Bearer Bearer',
      null,
      'your endpoint received `Authorization: Bearer Bearer …`, which says Bearer twice. It belongs into authKey or into the secret, not into both.',
    ],
    [
      'X-Api-Key',
      null,
      'your endpoint received `Authorization: X-Api-Key …`. authKey is the word before the secret there, such as Bearer, and not the name of a header.',
    ],
  ])(
    'is told what it received, with authKey %j and a secret that begins with %j',
    async (authKey, secretScheme, words) => {
      const authSecret = secretScheme === null ? secret : `${secretScheme} ${secret}`
      expect(await wordsFor(refusal, { authKey, authSecret, secretScheme })).toBe(`401: ${words}`)
    },
  )

  test('that nobody gave is told so', async () => {
    expect(await wordsFor({ ...refusal, status: 403 })).toBe(
      '403: your endpoint asks for a secret, and none was sent. Set authSecret (and authKey, which is Bearer as a rule) to what it expects.',
    )
  })

  test('with a web page is not the one that refuses - handlers answer no pages', async () => {
    const page = {
      status: 403,
      headers: { 'content-type': 'text/html' },
      body: '<html>Just a moment…</html>',
    }
    expect(await wordsFor(page, { authKey: 'Bearer', authSecret: secret })).toBe(
      '403 with a web page: what refuses the request stands in front of your handler (a firewall, a bot check, a login). Let POST to /webhook through.',
    )
  })
})

describe('an endpoint elsewhere', () => {
  const redirect = (status: number, location: string): PlainAnswer => ({ status, headers: { location } })

  test('is sought by path and method', async () => {
    expect(await wordsFor({ status: 404 })).toBe(
      '404: nothing answers at /webhook. Is that the path of your handler, and does it take POST there?',
    )
    expect(await wordsFor({ status: 405, headers: { allow: 'GET, HEAD' } })).toBe(
      '405: /webhook does not take POST, only GET, HEAD. Is that the path of your handler? It must be registered for POST.',
    )
    expect(await wordsFor({ status: 405 })).toContain('405: /webhook does not take POST. Is that')
  })

  test.each([
    ['https://127.0.0.1/webhook', 'https://127.0.0.1/webhook', 'Set the URL with https.'],
    ['/webhook/', /^http:\/\/127.0.0.1:\d+\/webhook\/$/, 'Set the URL with the slash at its end.'],
    [
      '/login?next=%2Fwebhook',
      /\/login$/,
      'That is a login: the path of your handler must be open to requests without a session.',
    ],
    [
      'https://www.example.com/webhook',
      'https://www.example.com/webhook',
      'Set the URL to that one, if it is your handler.',
    ],
    ['/webhook?lang=en', /\/webhook$/, 'Only the query differs.'],
  ])(
    'by a redirect to %s is named, with what to do - redirects are not followed',
    async (location, to, advice) => {
      const words = await wordsFor(redirect(308, location))
      const [, shown, rest] =
        /^308: your endpoint redirects to (\S+), and redirects are not followed\. (.+)$/.exec(words) ?? []
      expect(shown).toMatch(to)
      expect(rest).toBe(advice)
    },
  )

  test('whose slash is one too many is told that, too', async () => {
    const peer = await peerThat(answers(redirect(301, '/webhook')))
    expect(await wordsAt(`${peer.url}/webhook/`)).toContain('Set the URL without the slash at its end.')
  })

  test('by a redirect to nowhere is told that a handler does not redirect', async () => {
    const words =
      '302: your endpoint answered with a redirect that leads nowhere, and redirects are not followed. A handler answers 2xx.'
    expect(await wordsFor(redirect(302, 'http://'))).toBe(words)
    expect(await wordsFor({ status: 302 })).toBe(words)
  })
})

describe('an endpoint that answers with a failure', () => {
  test.each<[PlainAnswer, words: string]>([
    [
      { status: 422, body: '{\n  "error": "callId is missing"\n}' },
      '422: your endpoint does not take call.ended in this shape; what a call brings stands in data.data. It says: { "error": "callId is missing" }',
    ],
    [
      { status: 400, headers: { 'content-type': 'text/html' }, body: '<html>Bad Request</html>' },
      '400: your endpoint does not take call.ended in this shape; what a call brings stands in data.data.',
    ],
    [
      { status: 410 },
      '410: your endpoint says that it is gone for good, and the webhook of an agent is then held until it is resumed. Correct its URL, or remove it.',
    ],
    [
      { status: 413 },
      '413: your endpoint does not take a body of <n> bytes, and that of a long call has megabytes. Raise the limit of its framework (100 kB for express.json()) and of every proxy in front of it.',
    ],
    [
      { status: 415 },
      '415: your endpoint does not take application/json, which every event is sent as. Let its handler parse that.',
    ],
    [
      { status: 429 },
      '429: your endpoint says that it gets too many requests. Allow more there, or lower limits.concurrency of the webhook.',
    ],
    [
      { status: 429, headers: { 'retry-after': '30' } },
      '429: your endpoint says that it gets too many requests and wants to be left alone for 30 s. Allow more there, or lower limits.concurrency of the webhook.',
    ],
    [
      { status: 500, body: 'TypeError: x is undefined' },
      '500: your endpoint failed on call.ended; its own log says why. It says: TypeError: x is undefined',
    ],
    [
      { status: 502, body: '<html>' },
      '502: a proxy in front of your endpoint could not reach it: does it run, and does the proxy know its port?',
    ],
    [
      { status: 503, headers: { 'retry-after': '120' } },
      '503: your endpoint, or a proxy in front of it, says that it is not ready and wants to be left alone for 120 s. Does it run?',
    ],
    [{ status: 409 }, '409: your endpoint did not take call.ended, and it is not tried again.'],
    [{ status: 425 }, '425: your endpoint did not take call.ended, and it is tried again.'],
  ])('%j', async (answer, words) => {
    expect((await wordsFor(answer)).replace(/body of \d+ bytes/, 'body of <n> bytes')).toBe(words)
  })

  test('is quoted shortly and without what moves a cursor - the text is its own', async () => {
    const words = await wordsFor({ status: 400, body: `\u001b[2J\u202e first\r\nsecond ${'😀'.repeat(500)}` })
    expect(words).toMatch(/It says: \ufffd\[2J\ufffd first second (?:😀)+…$/u)
    expect(words.length).toBeLessThan(300)
  })
})

describe('no answer', () => {
  test('in time has two reasons, and both are named', async () => {
    const peer = await peerThat(hangs)
    expect(await wordsAt(`${peer.url}/webhook`, { timeoutMs: 1_000 })).toBe(
      `No answer from 127.0.0.1:${peer.port} within 1 s. Let your endpoint answer 200 first and work afterwards; if its log shows no request at all, a firewall swallows the connection.`,
    )
  })

  test('from a port where nobody listens, on the own machine, says so', async () => {
    const port = await deafPort()
    expect(await wordsAt(`http://127.0.0.1:${port}/webhook`)).toBe(
      `Nothing listens at 127.0.0.1:${port}: does your endpoint run, and is the port right? That address is the machine, or the container, of Hookswitch itself.`,
    )
  })

  test('for a name that is not known asks for its spelling', async () => {
    const failing = (code: string) => ({
      resolve: () => Promise.reject(Object.assign(new Error(), { code })),
    })
    const url = 'https://hooks.example.com/webhook'
    expect(await wordsAt(url, { egress: failing('ENOTFOUND') })).toBe(
      'The name hooks.example.com is not known. Is it spelt right, and is it public?',
    )
    expect(await wordsAt(url, { egress: failing('EAI_AGAIN') })).toBe(
      'The name hooks.example.com could not be looked up (EAI_AGAIN). Try again; if it stays so, look at its name servers.',
    )
  })

  test('over TLS says what is wrong with the certificate', async () => {
    const peer = await peerThat(answers({ status: 200 }), { secure: true })
    expect(await wordsAt(`${peer.url}/webhook`)).toBe(
      `No secure connection to 127.0.0.1:${peer.port} (DEPTH_ZERO_SELF_SIGNED_CERT): its certificate is self-signed, so that nobody vouches for it. Use one of a public authority, such as Let’s Encrypt.`,
    )
  })

  test('over TLS from a port that does not speak it asks for the port', async () => {
    const peer = await peerThat(answers({ status: 200 }))
    expect(await wordsAt(`https://127.0.0.1:${peer.port}/webhook`)).toContain(
      'what listens there does not speak TLS as it should. Is that the port for https?',
    )
  })

  test('but the end of the connection points to the log', async () => {
    const peer = await peerThat(hangsUp)
    expect(await wordsAt(`${peer.url}/webhook`)).toMatch(
      /^127\.0\.0\.1:\d+ cut the connection before it answered \(\w+\)\. Your endpoint may have crashed on the event, or a proxy in front of it refuses it; their logs say why\.$/,
    )
  })

  test('but something that is not HTTP asks for the port', async () => {
    const peer = await peerThat(babbles)
    expect(await wordsAt(`${peer.url}/webhook`)).toBe(
      `What answers at 127.0.0.1:${peer.port} does not speak HTTP as it should. Is the port right?`,
    )
  })

  test('from an address that may not be reached names what allows it', async () => {
    expect(await wordsAt('https://10.0.0.1/webhook', { egress: { allow: null } })).toBe(
      'It was not sent: the URL leads to 10.0.0.1 (private), where deliveries go only if HOOKSWITCH_EGRESS_ALLOW says so. If that address is meant, name it there and start the server again; otherwise set a public one.',
    )
    expect(await wordsAt('http://192.88.98.1/webhook')).toBe(
      'It was not sent: the URL leads to 192.88.98.1 by plain http, expected https: http is for what HOOKSWITCH_EGRESS_ALLOW names. Set an https URL.',
    )
  })

  test('for settings that cannot be used says which', () => {
    const attempt: AttemptResult = {
      verdict: 'reject',
      status: null,
      cause: 'settings',
      message: 'cannot be sent to: its secrets cannot be read',
      retryAfterMs: null,
      request: null,
      response: null,
    }
    const given = {
      eventType: 'call.ended',
      url: 'https://example.com/',
      authKey: null,
      hasSecret: true,
      timeoutMs: 5_000,
    }
    expect(answerWords({ ...given, attempt: { ...attempt, durationMs: 0 } })).toBe(
      'It was not sent: cannot be sent to: its secrets cannot be read.',
    )
  })
})

test('no sentence shows the secret or the query - an endpoint may give back all that it was sent', async () => {
  const statuses = [200, 302, 400, 401, 404, 405, 409, 413, 422, 429, 500, 503]
  let status = 0
  const peer = await peerThat(({ url, headers }, response) => {
    const authorization = headers['authorization'] ?? ''
    response.writeHead(status, { allow: authorization, location: `/${authorization}${url}` })
    response.end(JSON.stringify({ url, authorization }))
  })
  const words: string[] = []
  for (status of statuses) {
    const settings = { authKey: 'Bearer', authSecret: secret }
    words.push(await wordsAt(`${peer.url}/webhook?token=of-the-query`, settings))
  }
  expect(peer.requests.at(-1)).toMatchObject({ url: '/webhook?token=of-the-query' })
  expect(peer.requests.at(-1)?.headers).toMatchObject({ authorization: `Bearer ${secret}` })
  expect(words.join('\n')).toContain('It says: {"url":"/webhook?***","authorization":"***"}')
  expect(words.join('\n')).not.toMatch(new RegExp(`${secret}|of-the-query`))
})
