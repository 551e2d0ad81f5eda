import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { describe, expect, test } from 'vitest'
import type { CallRecord } from '@hookswitch/events'
import { deafPort, sampleEvent, startPeer, testCertificate } from '@hookswitch/testkit/destination-contract'
import { emailKind } from '../src/email/email-kind.ts'
import { email } from '../src/email/email.ts'
import type { OpenDestination } from '../src/kind.ts'
import {
  enormousCall,
  expectations,
  messageOf,
  openKind,
  running,
  surround,
  type Surroundings,
} from './open-kind.ts'
import { refusal, startMailServer, type ReceivedMail } from './smtp-peer.ts'

const addresses = { from: 'Calls <calls@example.com>', to: 'ops@example.com' }
const login = { user: 'calls@example.com', password: 'right' }

function toServer(port: number, settings: object = {}, surroundings: Surroundings = {}): OpenDestination {
  return openKind(emailKind, { host: '127.0.0.1', port, ...addresses, ...settings }, surroundings)
}

/** As to a server at a public address: reachable, and not by what is plain. */
async function toPublicServer(port: number, settings: object = {}): Promise<OpenDestination> {
  const context = surround()
  const egress = {
    ...context.egress,
    check: (url: string) =>
      url.startsWith('http:') ? Promise.resolve('is http, expected https') : context.egress.check(url),
  }
  const given = emailKind.settings.parse({ host: '127.0.0.1', port, ...addresses, ...settings })
  return emailKind.open(given, { ...context, egress })
}

describe('email', () => {
  test('sends the summary with the transcript, as text and as HTML', async () => {
    const server = await startMailServer()
    const destination = toServer(server.port, login, { publicUrl: 'https://calls.example.com' })
    const transcript: CallRecord['transcript'] = [
      { speaker: 'Agent', text: 'Hello <b>there</b>', at: null },
      { speaker: 'User', text: 'المضخة في المبنى الرابع تسرب الماء', at: null },
    ]
    const outcome: CallRecord['outcome'] = {
      priority: { state: 'value', value: 'urgent & loud', origin: 'collected' },
      notice: { state: 'null', value: null, origin: 'collected' },
    }
    const result = await destination.send(messageOf({ transcript, outcome }), running)
    expect(result).toMatchObject({
      verdict: 'delivered',
      status: 250,
      cause: null,
      message: null,
      request: { method: 'SMTP', url: `smtp://127.0.0.1:${server.port}` },
      response: { body: expect.stringContaining('queued as 42') },
    })

    const [mail] = server.mails
    expect(mail).toMatchObject({ from: 'calls@example.com', to: ['ops@example.com'], user: login.user })
    expect(mail?.headers).toMatchObject({
      from: 'Calls <calls@example.com>',
      to: 'ops@example.com',
      subject: 'Call ended: Recruiter, 2 min 5 s',
      'message-id': '<evt_00000000000000000000000001.ops@example.com>',
      'x-hookswitch-delivery': 'dlv_1',
      'auto-submitted': 'auto-generated',
    })
    expect(mail?.parts['text/plain']).toContain('priority: urgent & loud\nnotice: (not said)')
    expect(mail?.parts['text/plain']).toContain(
      'Agent: Hello <b>there</b>\nUser: المضخة في المبنى الرابع تسرب الماء',
    )
    expect(mail?.parts['text/plain']).toContain('View details: https://calls.example.com/calls/call_1')
    const html = mail?.parts['text/html'] ?? ''
    expect(html).toContain('urgent &amp; loud')
    expect(html).toContain('Hello &lt;b&gt;there&lt;/b&gt;')
    expect(html).not.toContain('<b>there')
    expect(html, 'Arabic takes its own direction').toMatch(
      /dir="auto"[^>]*>المضخة في المبنى الرابع تسرب الماء</,
    )
    expect(html).toContain('<a href="https://calls.example.com/calls/call_1">')
  })

  test('every try and every replay of an event has one Message-ID, and the mails of a call are one thread', async () => {
    const server = await startMailServer()
    const destination = toServer(server.port, { domain: 'hooks.example.com' })
    const sent = [
      messageOf(),
      messageOf({}, { attempt: 2, deliveryId: 'dlv_2', replayId: 'rpl_1' }),
      messageOf({}, { eventId: 'evt_2' }),
      messageOf({}, { eventId: 'evt_3', event: sampleEvent({ callId: 'call_2' }) }),
    ]
    for (const message of sent) await destination.send(message, running)
    const ids = server.mails.map(({ headers }) => headers['message-id'])
    expect(ids).toEqual([
      '<evt_00000000000000000000000001.ops@hooks.example.com>',
      '<evt_00000000000000000000000001.ops@hooks.example.com>',
      '<evt_2.ops@hooks.example.com>',
      '<evt_3.ops@hooks.example.com>',
    ])
    const threads = server.mails.map(({ headers }) => headers['references'] ?? '')
    expect(threads[0]).toMatch(/^<[0-9a-f]{32}@hooks\.example\.com>$/)
    expect(threads[1]).toBe(threads[0])
    expect(threads[2]).toBe(threads[0])
    expect(threads[3]).not.toBe(threads[0])
    expect(server.mails.map(({ headers }) => headers['in-reply-to'])).toEqual(threads)
    expect(server.connections(), 'one connection for all').toBe(1)
  })

  test('nothing in a call becomes a header - names and subjects stay on their line', async () => {
    const server = await startMailServer()
    const destination = toServer(server.port)
    const agentName = 'Support\r\nBcc: everyone@example.com\r\n\r\nHello'
    await destination.send(messageOf({ agentName }), running)
    const subject = 'One\r\nX-Evil: 1\n\nBody'
    await destination.send(messageOf({}, { content: { subject, text: 'x' } }), running)
    for (const { headers, to } of server.mails) {
      expect(Object.keys(headers)).not.toContain('bcc')
      expect(Object.keys(headers)).not.toContain('x-evil')
      expect(to).toEqual(['ops@example.com'])
    }
    expect(server.mails[0]?.headers['subject']).toMatch(
      /^Call ended: Support Bcc: everyone@example\.com Hello/,
    )
    expect(server.mails[1]?.headers['subject']).toBe('One X-Evil: 1 Body')
  })

  test('goes to several people, and says when some were refused', async () => {
    const server = await startMailServer({
      onRcptTo({ address }, _session, callback) {
        callback(address === 'gone@example.com' ? refusal(550, '5.1.1 no such user') : null)
      },
    })
    const all = ['ops@example.com', 'Chief <chief@example.com>']
    await toServer(server.port, { to: all.join(', ') }).send(messageOf(), running)
    expect(server.mails[0]?.to).toEqual(['ops@example.com', 'chief@example.com'])
    const result = await toServer(server.port, { to: [...all, 'gone@example.com'] }).send(
      messageOf(),
      running,
    )
    expect(result).toMatchObject({ verdict: 'delivered', message: '1 of 3 recipients were refused' })
    expect(server.mails).toHaveLength(2)
  })

  test('a long call is cut in the middle and says so; the message stays of a size that mail programs show', async () => {
    const server = await startMailServer()
    await toServer(server.port).send(messageOf(enormousCall()), running)
    const { parts, headers } = server.mails[0] as ReceivedMail
    expect(parts['text/plain']).toMatch(/turns left out/)
    expect(parts['text/html']).toMatch(/turns left out/)
    expect(Buffer.byteLength(parts['text/html'] ?? '')).toBeLessThan(400 * 1024)
    expect(headers['subject']?.length).toBeLessThanOrEqual(200)
  })

  test('takes text, or subject, text and HTML, from a template', async () => {
    const server = await startMailServer()
    const destination = toServer(server.port, { subject: 'Calls' })
    const send = (content: unknown, isTest = false) =>
      destination.send(messageOf({}, { content, test: isTest }), running)
    await send('مرحبا')
    expect(server.mails[0]?.headers['subject']).toBe('Calls')
    expect(server.mails[0]?.raw).not.toContain('text/html')
    expect(server.mails[0]?.parts['text/plain']?.trim()).toBe('مرحبا')
    await send({ subject: 'عاجل', text: 'x', html: '<b>x</b>' }, true)
    expect(server.mails[1]?.headers['subject']).toBe('Test from Hookswitch: عاجل')
    expect(server.mails[1]?.parts['text/html']).toContain('Test from Hookswitch: </p><b>x</b>')
    expect(server.mails[1]?.parts['text/plain']).toContain('Test from Hookswitch: x')

    for (const content of [
      7,
      null,
      '',
      {},
      { text: 'x', html: { path: '/etc/passwd' } },
      { text: 'x', subject: 1 },
    ]) {
      expect(await send(content)).toMatchObject({ verdict: 'reject', cause: 'code', request: null })
    }
    expect(server.mails).toHaveLength(2)
  })

  test('a sample says that it is one', async () => {
    const server = await startMailServer()
    await toServer(server.port).send(messageOf({}, { test: true }), running)
    expect(server.mails[0]?.headers['subject']).toBe('Test from Hookswitch: Call ended: Recruiter, 2 min 5 s')
    expect(server.mails[0]?.parts['text/plain']).toMatch(/^Test from Hookswitch: /)
  })
})

describe('what a mail server answers', () => {
  const rcpt = (code: number, words: string) => ({
    onRcptTo: (_address: unknown, _session: unknown, callback: (error: Error) => void) =>
      callback(refusal(code, words)),
  })

  test.each([
    [450, '4.2.1 greylisted, try again', 'retry'],
    [452, '4.2.2 mailbox full', 'retry'],
    [550, '5.1.1 no such user', 'reject'],
    [552, '5.3.4 too large', 'reject'],
    [530, '5.7.0 authentication required', 'auth'],
  ])('%i %s to a recipient is %s', async (code, words, verdict) => {
    const server = await startMailServer(rcpt(code, words))
    const result = await toServer(server.port).send(messageOf(), running)
    expect(result).toMatchObject({ verdict, status: code, cause: null, retryAfterMs: null })
    expect(result.message).toContain(`answered ${code} to RCPT TO`)
    expect(result.message, 'the words may hold addresses').not.toContain(words)
    expect(result.response?.body).toContain(words)
  })

  test.each([
    [451, 'retry'],
    [554, 'reject'],
  ])('%i to a message is %s', async (code, verdict) => {
    const server = await startMailServer({
      onData(stream, _session, callback) {
        stream.resume()
        stream.on('end', () => callback(refusal(code, 'not this one')))
      },
    })
    expect(await toServer(server.port).send(messageOf(), running)).toMatchObject({ verdict, status: code })
  })

  test('a server that takes no mail now is tried again, whatever it calls that', async () => {
    const server = await startMailServer({
      onConnect: (_session, callback) => callback(refusal(554, 'no SMTP service here')),
    })
    const result = await toServer(server.port).send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'retry', status: 554, cause: 'protocol' })
  })

  test('a wrong password holds the destination', async () => {
    const server = await startMailServer()
    const result = await toServer(server.port, { ...login, password: 'wrong' }).send(messageOf(), running)
    expect(result).toMatchObject({
      verdict: 'auth',
      status: 535,
      message: expect.stringContaining('password'),
    })
    expect(JSON.stringify(result)).not.toContain('wrong')
  })

  test('a login that cannot be looked up now is tried again', async () => {
    const server = await startMailServer({
      onAuth: (_auth, _session, callback) => callback(refusal(454, '4.7.0 temporary authentication failure')),
    })
    expect(await toServer(server.port, login).send(messageOf(), running)).toMatchObject({
      verdict: 'retry',
      status: 454,
    })
  })

  test('a server without the login that the settings name holds the destination - nothing goes out unasked', async () => {
    const server = await startMailServer({ disabledCommands: ['AUTH'] })
    expect(await toServer(server.port, login).send(messageOf(), running)).toMatchObject({ verdict: 'auth' })
    expect(server.mails).toHaveLength(0)
  })
})

describe('the connection to a mail server', () => {
  test('a port on which nobody listens refuses', async () => {
    const result = await toServer(await deafPort()).send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'retry', status: null, cause: 'refused' })
  })

  test('a server that hangs costs the time of the try, and leaves no connection', async () => {
    const peer = await startPeer(() => {})
    const ending = new AbortController()
    const sent = toServer(peer.port).send(messageOf(), ending.signal)
    await expect.poll(() => peer.connections(), { timeout: 10_000 }).toBe(1)
    ending.abort(new DOMException('the time of the try is over', 'TimeoutError'))
    expect(await sent).toMatchObject({ verdict: 'retry', cause: 'timeout', status: null })
    await peer.deserted()
    await peer.close()
  })

  test('a stop ends the try with its reason', async () => {
    const peer = await startPeer(() => {})
    const ending = new AbortController()
    const stopped = new Error('the node stops')
    const sent = toServer(peer.port).send(messageOf(), ending.signal)
    await expect.poll(() => peer.connections(), { timeout: 10_000 }).toBe(1)
    ending.abort(stopped)
    await expect(sent).rejects.toBe(stopped)
    await peer.close()
  })

  test('something that is not a mail server is no delivery', async () => {
    const peer = await startPeer(() => {}, {
      onConnection: (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
    })
    expect(await toServer(peer.port).send(messageOf(), running)).toMatchObject({
      verdict: 'retry',
      status: null,
    })
    await peer.close()
  })

  test('a server that ends idle connections gets a new one', async () => {
    const server = await startMailServer()
    const destination = toServer(server.port)
    await destination.send(messageOf(), running)
    for (const connection of server.server.connections) connection.close()
    expect(await destination.send(messageOf(), running)).toMatchObject({ verdict: 'delivered' })
    expect(server.mails).toHaveLength(2)
  })

  test('a closed destination makes a new connection when it is used again', async () => {
    const server = await startMailServer()
    const destination = toServer(server.port)
    await destination.send(messageOf(), running)
    await destination.close()
    expect(await destination.send(messageOf(), running)).toMatchObject({ verdict: 'delivered' })
    expect(server.connections()).toBe(2)
  })

  test('is upgraded by STARTTLS also where plain would do, whatever the certificate', async () => {
    const server = await startMailServer()
    await toServer(server.port).send(messageOf(), running)
    expect(server.mails[0]?.encrypted).toBe(true)
  })

  test('may be plain only at an address that is allowed by name', async () => {
    const server = await startMailServer({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] })
    expect(await toServer(server.port).send(messageOf(), running)).toMatchObject({ verdict: 'delivered' })
    expect(server.mails[0]?.encrypted).toBe(false)

    const destination = await toPublicServer(server.port, login)
    const result = await destination.send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'retry', cause: 'tls' })
    expect(server.logins, 'no password went out in the clear').toEqual([])
    expect(server.mails).toHaveLength(1)
    await destination.close()
  })

  test.each([
    ['by STARTTLS', {}, false],
    ['from the first byte', { secure: true }, true],
  ])('is encrypted %s with a certificate that somebody vouches for', async (_how, settings, secure) => {
    const server = await startMailServer({ secure })
    const distrusting = await toPublicServer(server.port, { ...login, ...settings })
    expect(await distrusting.send(messageOf(), running)).toMatchObject({ verdict: 'retry', cause: 'tls' })
    expect(server.logins).toEqual([])
    await distrusting.close()

    const before = getCACertificates('default')
    setDefaultCACertificates([...before, testCertificate.cert])
    try {
      const trusting = await toPublicServer(server.port, { ...login, ...settings, host: 'localhost' })
      expect(await trusting.send(messageOf(), running)).toMatchObject({ verdict: 'delivered' })
      await trusting.close()
    } finally {
      setDefaultCACertificates(before)
    }
    expect(server.mails).toMatchObject([{ encrypted: true, user: login.user }])
  })

  test('an address that deliveries may not reach is refused when it is set, and not connected to', async () => {
    const server = await startMailServer()
    const set = emailKind.settings.parse({ host: '127.0.0.1', port: server.port, ...addresses })
    const problem = await emailKind.check(set, surround({ allow: null }))
    expect(problem).toMatchObject({ setting: 'host', problem: expect.stringContaining('loopback') })
    const result = await toServer(server.port, {}, { allow: null }).send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'retry', cause: 'blocked', status: null })
    expect(server.connections()).toBe(0)
  })

  test('a name that leads elsewhere by the time of the connection is not connected to - DNS rebinding', async () => {
    const server = await startMailServer()
    let asked = 0
    const resolve = () => {
      asked += 1
      return Promise.resolve([{ address: asked === 1 ? '93.184.215.14' : '127.0.0.1', family: 4 }])
    }
    const settings = { host: 'mail.example', port: server.port, ...addresses }
    const surroundings = { allow: null, resolve }
    expect(await emailKind.check(emailKind.settings.parse(settings), surround(surroundings))).toBeNull()
    const result = await openKind(emailKind, settings, surroundings).send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'retry', cause: 'blocked' })
    expect(server.connections()).toBe(0)
  })

  test('goes to the address that was checked - the name is asked for once', async () => {
    const server = await startMailServer()
    let asked = 0
    const resolve = () => {
      asked += 1
      return Promise.resolve([{ address: '127.0.0.1', family: 4 }])
    }
    const settings = { host: 'mail.example', port: server.port, ...addresses }
    await openKind(emailKind, settings, { resolve }).send(messageOf(), running)
    expect(server.mails).toHaveLength(1)
    expect(asked).toBe(1)
  })
})

describe('the settings of email', () => {
  const given = { host: 'smtp.example.com', ...addresses }

  test('take the forms that people write addresses in', () => {
    for (const to of ['ops@example.com', 'a@x.example, B b <b@x.example>', ['مكتب <a@x.example>']]) {
      expect(expectations(emailKind, { ...given, to })).toEqual({})
    }
  })

  test('say what they expect', () => {
    expect(expectations(emailKind, { host: undefined, from: undefined, to: undefined })).toEqual({
      host: expect.stringContaining('smtp.example.com'),
      from: expect.stringContaining('ops@example.com'),
      to: expect.stringContaining('ops@example.com'),
    })
    expect(expectations(emailKind, { ...given, user: 'x' })).toEqual({
      password: expect.stringContaining('password'),
    })
    expect(expectations(emailKind, { ...given, user: undefined, password: undefined })).toEqual({
      user: expect.stringContaining('user name'),
      password: expect.stringContaining('password'),
    })
    expect(expectations(emailKind, { ...given, port: 70_000, secure: 'yes', host: 'a b' })).toEqual({
      host: expect.stringContaining('smtp.example.com'),
      port: 'a port, 1 to 65535',
      secure: 'true or false',
    })
  })

  test('take nothing that could become another header or another address', () => {
    const lines = [
      'a@b.example\r\nBcc: c@d.example',
      'A\n<a@b.example>',
      'A, B <a@b.example>',
      'a@b.example>',
      '@',
      '',
    ]
    for (const from of lines) expect(expectations(emailKind, { ...given, from })).toHaveProperty('from')
    for (const to of [
      ...lines.slice(0, 2),
      '',
      [],
      ['a@b.example, c@d.example'],
      Array(51).fill('a@b.example'),
    ]) {
      expect(expectations(emailKind, { ...given, to })).toHaveProperty('to')
    }
    expect(expectations(emailKind, { ...given, subject: 'a\nb' })).toHaveProperty('subject')
    expect(expectations(emailKind, { ...given, domain: 'a>b' })).toHaveProperty('domain')
  })

  test('the function adds the kind', () => {
    const config = email({ name: 'digest', settings: { ...given, password: process.env['NOT_SET'] } })
    expect(config).toMatchObject({ kind: 'email', name: 'digest', settings: { host: 'smtp.example.com' } })
  })
})
