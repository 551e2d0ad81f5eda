import { describe, expect, test } from 'vitest'
import { sampleCall, sampleEvent, sampleMessage } from '@hookswitch/testkit/destination-contract'
import type { CallRecord } from '@hookswitch/events'
import { pictureCall } from './call-picture.ts'
import { durationText } from './duration-text.ts'
import { escapeDiscord, escapeHtml, escapeMrkdwn } from './escape-text.ts'
import { oneLine, plainText } from './plain-text.ts'

const picture = (call: Partial<CallRecord> = {}, publicUrl: string | null = null) =>
  pictureCall(sampleMessage({ call: sampleCall(call) }), publicUrl)

describe('the picture of a call', () => {
  test('its title says what happened, to whom, and how long it took', () => {
    expect(picture().title).toBe('Call ended: Recruiter, 2 min 5 s')
    expect(picture({ agentName: null }).title).toBe('Call ended: agent-123, 2 min 5 s')
    expect(picture({ agentName: null, agentId: null, durationSeconds: null }).title).toBe('Call ended')
  })

  test('an event of an unknown type is called what it calls itself', () => {
    const event = sampleEvent({ type: 'call.transferred' })
    expect(pictureCall(sampleMessage({ event, call: sampleCall() }), null).title).toMatch(
      /^call\.transferred: /,
    )
  })

  test('a sample says that it is one', () => {
    const { title } = pictureCall(sampleMessage({ test: true, call: sampleCall() }), null)
    expect(title).toBe('Test from Hookswitch: Call ended: Recruiter, 2 min 5 s')
  })

  test('shows only facts that are known', () => {
    const labels = picture({ userNumber: null, direction: null, channel: null, agentNumber: null }).facts.map(
      ({ label }) => label,
    )
    expect(labels).toEqual(['Call ID', 'Duration', 'Agent', 'Started', 'Status'])
  })

  test('times are of UTC and say so', () => {
    expect(picture().facts).toContainEqual({
      label: 'Started',
      text: '2026-01-15 12:00:00 UTC',
      at: 1_768_478_400,
    })
  })

  test('an outcome has three states - "the caller did not say" is not "nothing came"', () => {
    const outcome: CallRecord['outcome'] = {
      salary: { state: 'value', value: 'ثلاثة آلاف', origin: 'collected' },
      notice: { state: 'null', value: null, origin: 'collected' },
      application_id: { state: 'absent', value: null, origin: 'echoed' },
      resolved: { state: 'value', value: false, origin: 'collected' },
      score: { state: 'value', value: 0, origin: 'collected' },
      slots: { state: 'value', value: ['Mon', 'Tue'], origin: 'collected' },
      note: { state: 'value', value: '', origin: 'collected' },
    }
    expect(picture({ outcome }).outcome.map(({ name, text }) => `${name}: ${text}`)).toEqual([
      'salary: ثلاثة آلاف',
      'notice: not said',
      'application_id: did not come',
      'resolved: no',
      'score: 0',
      'slots: ["Mon","Tue"]',
      'note: (empty)',
    ])
    expect(picture({ outcome: {} }).outcome).toEqual([])
  })

  test('says how many fields and tools it leaves out', () => {
    const field = { state: 'value', value: 1, origin: 'collected' } as const
    const outcome = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`field${index}`, field]))
    expect(picture({ outcome }).outcome.at(-1)).toMatchObject({ name: '…', text: '50 more' })

    const tool = { name: 't', input: {}, output: {}, success: true, error: null, durationMs: 40, at: null }
    const { tools } = picture({ tools: Array.from({ length: 60 }, () => tool) })
    expect(tools).toHaveLength(51)
    expect(tools.slice(0, 2)).toEqual(['… 10 earlier', 't: ok (0.1 s)'])
  })

  test('a turn stays on its line - nobody can put words into the mouth of the agent', () => {
    const transcript = [{ speaker: 'User', text: 'Hi.\nAgent: You are refunded.\u2028Agent: Yes.', at: null }]
    expect(picture({ transcript }).transcript).toEqual([
      { speaker: 'User', text: 'Hi. Agent: You are refunded. Agent: Yes.' },
    ])
  })

  test('a speech is cut and says so, however much of it is blank', () => {
    const transcript = ['x'.repeat(100_000), `a${' '.repeat(100_000)}b`].map((text) => ({
      speaker: 'User',
      text,
      at: null,
    }))
    const [long, blank] = picture({ transcript }).transcript
    expect(long?.text).toHaveLength(2000)
    expect(long?.text).toMatch(/x…$/)
    expect(blank?.text).toBe('a…')
  })

  test('links to the page of the call where people reach the server', () => {
    const event = sampleEvent({ callId: 'a/b c?d' })
    const message = sampleMessage({ event, call: sampleCall() })
    expect(pictureCall(message, 'https://calls.example').callUrl).toBe(
      'https://calls.example/calls/a%2Fb%20c%3Fd',
    )
    expect(pictureCall(message, null).callUrl).toBeNull()
  })

  test('links to a recording only by http(s), and only whole', () => {
    expect(picture().recordingUrl).toBe('https://recordings.example/call_1.mp3')
    for (const recordingUrl of ['javascript:alert(1)', 'file:///etc/passwd', 'call_1.mp3', null]) {
      expect(picture({ recordingUrl }).recordingUrl).toBeNull()
    }
    expect(
      picture({ recordingUrl: `https://recordings.example/${'x'.repeat(2000)}` }).recordingUrl,
    ).toBeNull()
  })

  test('an event alone has a picture too', () => {
    expect(pictureCall(sampleMessage({ call: null, outcome: null }), null)).toMatchObject({
      title: 'Call ended',
      callId: 'call_1',
      facts: [],
      transcript: [],
    })
  })
})

describe('texts for people', () => {
  test('durations are said as people say them', () => {
    const said = [0, 0.04, 0.4, 5, 59.6, 60, 125, 3599, 3600, 3659, 7384].map(durationText)
    expect(said).toEqual([
      '0 s',
      '0.1 s',
      '0.4 s',
      '5 s',
      '1 min',
      '1 min',
      '2 min 5 s',
      '59 min 59 s',
      '1 h',
      '1 h',
      '2 h 3 min',
    ])
  })

  test('control characters and lone surrogates go, marks of other scripts stay', () => {
    expect(plainText('a\0b\u001B[31m\r\nc\rd\uD800')).toBe('ab[31m\nc\nd\uFFFD')
    const persian = 'می\u200Cخواهم \u200Fسلام'
    expect(plainText(persian)).toBe(persian)
    expect(oneLine('  a \n\t b\u2029c ')).toBe('a b c')
  })

  test('no text is a mention, a link or a tag', () => {
    expect(escapeMrkdwn('<!channel> <https://a|b> &amp;')).toBe(
      '&lt;!channel&gt; &lt;https://a|b&gt; &amp;amp;',
    )
    expect(escapeDiscord('@everyone <@1> [a](http://b) **x** `y` ~~z~~ # h')).toBe(
      '\\@everyone \\<\\@1\\> \\[a\\]\\(http://b\\) \\*\\*x\\*\\* \\`y\\` \\~\\~z\\~\\~ \\# h',
    )
    expect(escapeHtml(`<a href="x" onclick='y'>&`)).toBe(
      '&lt;a href=&quot;x&quot; onclick=&#39;y&#39;&gt;&amp;',
    )
  })
})
