import { describe, expect, test } from 'vitest'
import type { CallRecord } from '@hookswitch/events'
import { sampleEvent } from '@hookswitch/testkit/destination-contract'
import { emailKind } from '../src/email/email-kind.ts'
import { email } from '../src/email/email.ts'
import { addresses, login, toServer } from './email-server.ts'
import { enormousCall, expectations, messageOf, running } from './open-kind.ts'
import { refusal, startMailServer, type ReceivedMail } from './smtp-peer.ts'

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
