import { describe, expect, test } from 'vitest'
import {
  answers,
  destinationContract,
  destinationContractCases,
  type PeerAnswer,
} from '@hookswitch/testkit/destination-contract'
import { slackKind } from '../src/slack/slack-kind.ts'
import { slackLimits } from '../src/slack/slack-message.ts'
import { slack } from '../src/slack/slack.ts'
import {
  enormousCall,
  expectations,
  lastJson,
  loopback,
  messageOf,
  openKind,
  running,
  service,
  surround,
} from './open-kind.ts'

const webhookPath = '/services/T0001/B0001/webhook-secret'
const token = 'xoxb-1234-5678-token-secret'

/** Answers as incoming webhooks do. */
const webhookAnswers = (status: number, word: string): PeerAnswer => answers({ status, body: word })

/** Answers as the Web API does: 200 for nearly everything. */
const apiAnswers = (answer: object, status = 200, headers = {}): PeerAnswer =>
  answers({
    status,
    body: JSON.stringify(answer),
    headers: { 'content-type': 'application/json', ...headers },
  })

async function byWebhook(answer: PeerAnswer, settings: object = {}, publicUrl: string | null = null) {
  const peer = await service(answer)
  return {
    peer,
    destination: openKind(slackKind, { url: peer.url + webhookPath, ...settings }, { publicUrl }),
  }
}

async function byApi(answer: PeerAnswer, settings: object = {}) {
  const peer = await service(answer)
  const given = { token, channel: 'C0123456789', apiUrl: `${peer.url}/api/`, ...settings }
  return { peer, destination: openKind(slackKind, given) }
}

interface Block {
  type: string
  text?: { type: string; text: string }
  fields?: { text: string }[]
  elements?: { url?: string; text: unknown }[]
}

const blocksOf = (sent: Record<string, unknown>): Block[] => sent['blocks'] as Block[]

describe('slack by incoming webhook', () => {
  test('posts the summary of a call, with an escaped transcript that mentions nobody', async () => {
    const { peer, destination } = await byWebhook(webhookAnswers(200, 'ok'))
    const call = { transcript: [{ speaker: 'User', text: 'المضخة تسرب <!channel> & <@U1>', at: null }] }
    expect(await destination.send(messageOf(call), running)).toMatchObject({
      verdict: 'delivered',
      status: 200,
    })

    const sent = lastJson(peer)
    expect(sent['text']).toBe('Call ended: Recruiter, 2 min 5 s')
    expect(sent).toMatchObject({ unfurl_links: false, unfurl_media: false })
    const blocks = blocksOf(sent)
    expect(blocks.map(({ type }) => type)).toEqual([
      'header',
      'section',
      'section',
      'section',
      'actions',
      'context',
    ])
    expect(blocks[0]?.text).toMatchObject({ type: 'plain_text', text: 'Call ended: Recruiter, 2 min 5 s' })
    expect(blocks[2]?.text?.text).toBe('*Outcome*\n• *priority:* urgent')
    expect(blocks[3]?.text?.text).toBe('*Transcript*\n*User:* المضخة تسرب &lt;!channel&gt; &amp; &lt;@U1&gt;')
  })

  test('posts the urgent message of the guide where the settings say so', async () => {
    const { peer, destination } = await byWebhook(
      webhookAnswers(200, 'ok'),
      { message: 'urgent' },
      'https://calls.example.com',
    )
    await destination.send(messageOf(), running)
    const sent = lastJson(peer)
    expect(sent['text']).toBe('🚨 Urgent call requires attention: Recruiter, 2 min 5 s')
    const blocks = blocksOf(sent)
    expect(blocks[0]?.text?.text).toBe('🚨 Urgent call requires attention')
    expect(blocks[1]?.fields?.slice(0, 2).map(({ text }) => text)).toEqual([
      '*Call ID*\ncall_1',
      '*Duration*\n2 min 5 s',
    ])
    expect(blocks.find(({ type }) => type === 'actions')?.elements?.[0]).toMatchObject({
      text: { text: 'View Details' },
      url: 'https://calls.example.com/calls/call_1',
    })
  })

  test('has the button to the call only where people can reach its page', async () => {
    const { peer, destination } = await byWebhook(webhookAnswers(200, 'ok'), { message: 'urgent' })
    await destination.send(messageOf({ recordingUrl: null }), running)
    expect(blocksOf(lastJson(peer)).some(({ type }) => type === 'actions')).toBe(false)
  })

  test.each(['summary', 'urgent'])(
    'keeps every limit of Slack in its %s, whatever a call holds',
    async (message) => {
      const { peer, destination } = await byWebhook(
        webhookAnswers(200, 'ok'),
        { message },
        `https://calls.example.com/${'p'.repeat(500)}`,
      )
      await destination.send(messageOf(enormousCall()), running)
      const sent = lastJson(peer)
      const blocks = blocksOf(sent)
      expect(String(sent['text']).length).toBeLessThanOrEqual(slackLimits.textMax)
      expect(blocks.length).toBeLessThanOrEqual(slackLimits.blocksMax)
      expect(JSON.stringify(blocks).length).toBeLessThanOrEqual(slackLimits.blocksTotalMax)
      for (const { type, text, fields = [], elements = [] } of blocks) {
        expect(text?.text.length ?? 0).toBeLessThanOrEqual(
          type === 'header' ? slackLimits.headerMax : slackLimits.sectionMax,
        )
        expect(fields.length).toBeLessThanOrEqual(slackLimits.fieldsMax)
        for (const field of fields) expect(field.text.length).toBeLessThanOrEqual(slackLimits.fieldMax)
        for (const element of elements) expect(element.url?.length ?? 0).toBeLessThanOrEqual(3000)
      }
      const text = JSON.stringify(blocks)
      expect(text.isWellFormed()).toBe(true)
      const marked = [...text.matchAll(/"type":"mrkdwn","text":"((?:[^"\\]|\\.)*)"/g)].map(
        ([, written]) => written,
      )
      expect(marked.length).toBeGreaterThan(5)
      expect(marked.join(' '), 'a mention would call the whole channel').not.toMatch(/<(?!!date\^)/)
      expect(text, 'the reader is told that there is more').toMatch(/turns left out/)
      expect(text).toMatch(/… \d+ more/)
    },
  )

  test('a call of which nothing is known has a message too', async () => {
    const { peer, destination } = await byWebhook(webhookAnswers(200, 'ok'))
    await destination.send(messageOf({}, { call: null, outcome: null }), running)
    expect(blocksOf(lastJson(peer)).map(({ type }) => type)).toEqual(['header', 'context'])
  })

  test.each([
    [404, 'no_service', 'gone', 'set its URL'],
    [404, 'no_team', 'gone', 'workspace'],
    [410, 'channel_is_archived', 'gone', 'unarchive'],
    [404, 'channel_not_found', 'gone', 'make a webhook for another'],
    [403, 'action_prohibited', 'auth', 'admins'],
    [403, 'invalid_token', 'auth', 'set its URL'],
    [400, 'invalid_blocks', 'reject', 'template'],
    [400, 'invalid_payload', 'reject', 'template'],
    [500, 'rollup_error', 'retry', 'could not do it now'],
    [400, 'some_new_word', 'reject', '"some_new_word"'],
  ])('answer %i %s is %s, and says what to do', async (status, word, verdict, advice) => {
    const { destination } = await byWebhook(webhookAnswers(status, word))
    const result = await destination.send(messageOf(), running)
    expect(result).toMatchObject({ verdict, status, message: expect.stringContaining(advice) })
  })

  test('the URL is secret: a trace shows its host alone', async () => {
    const { peer, destination } = await byWebhook(webhookAnswers(404, `no_service ${webhookPath}`))
    const result = await destination.send(messageOf(), running)
    expect(result.request?.url).toBe(`${peer.url}/…`)
    expect(JSON.stringify(result)).not.toContain('webhook-secret')
  })
})

describe('a template for slack', () => {
  test('may return text, or text with blocks', async () => {
    const { peer, destination } = await byWebhook(webhookAnswers(200, 'ok'))
    await destination.send(messageOf({}, { content: '*Hello* <!here>' }), running)
    expect(lastJson(peer)).toEqual({ text: '*Hello* <!here>', unfurl_links: false, unfurl_media: false })
    const blocks = [{ type: 'divider' }]
    await destination.send(messageOf({}, { content: { text: 'Hello', blocks } }), running)
    expect(lastJson(peer)).toMatchObject({ text: 'Hello', blocks })
    await destination.send(messageOf({}, { content: 'x'.repeat(50_000) }), running)
    expect(String(lastJson(peer)['text'])).toHaveLength(slackLimits.textMax)
  })

  test.each([
    [42, 'a number without a text'],
    [null, 'null without a text'],
    [{ blocks: [] }, 'an object without a text'],
    ['  ', 'an empty text'],
    [{ text: 'x', blocks: 'y' }, 'blocks that are a string'],
    [{ text: 'x', blocks: [{ elements: 1n }] }, 'what JSON cannot hold'],
    [{ text: 'x', blocks: Array.from({ length: 51 }, () => ({})) }, '51 blocks, expected at most 50'],
  ])('that returns something else is told so, and nothing is sent', async (content, problem) => {
    const { peer, destination } = await byWebhook(webhookAnswers(200, 'ok'))
    expect(await destination.send(messageOf({}, { content }), running)).toMatchObject({
      verdict: 'reject',
      cause: 'code',
      message: expect.stringContaining(problem),
      request: null,
    })
    expect(peer.requests).toHaveLength(0)
  })

  test('a sample says that it is one, in every form', async () => {
    const { peer, destination } = await byWebhook(webhookAnswers(200, 'ok'))
    const urgent = await byWebhook(webhookAnswers(200, 'ok'), { message: 'urgent' })
    await destination.send(messageOf({}, { test: true }), running)
    expect(lastJson(peer)['text']).toBe('Test from Hookswitch: Call ended: Recruiter, 2 min 5 s')
    await urgent.destination.send(messageOf({}, { test: true }), running)
    expect(lastJson(urgent.peer)['text']).toMatch(/^Test from Hookswitch: 🚨 Urgent/)
    expect(blocksOf(lastJson(urgent.peer))[0]?.text?.text).toMatch(/^Test from Hookswitch: /)
    const full = { text: 'x', blocks: Array.from({ length: 50 }, () => ({ type: 'divider' })) }
    await destination.send(messageOf({}, { test: true, content: full }), running)
    expect(lastJson(peer)['text']).toBe('Test from Hookswitch: x')
    expect(JSON.stringify(blocksOf(lastJson(peer))[0])).toContain('Test from Hookswitch:')
    expect(blocksOf(lastJson(peer))).toHaveLength(50)
  })
})

describe('slack by Web API', () => {
  test("posts by Slack's own client to the channel of the settings", async () => {
    const { peer, destination } = await byApi(apiAnswers({ ok: true, channel: 'C0123456789', ts: '1.2' }))
    expect(await destination.send(messageOf(), running)).toMatchObject({
      verdict: 'delivered',
      status: 200,
      request: {
        url: `${peer.url}/api/chat.postMessage`,
        headers: { authorization: '***' },
        body: expect.stringMatching(/^\{"channel":"C0123456789","text":"Call ended/),
      },
    })
    const [request] = peer.requests
    expect(request).toMatchObject({ method: 'POST', url: '/api/chat.postMessage' })
    expect(request?.headers).toMatchObject({
      authorization: `Bearer ${token}`,
      'content-type': 'application/x-www-form-urlencoded',
      'user-agent': 'Hookswitch/0.0.0',
    })
    const form = new URLSearchParams(request?.body.toString())
    expect(form.get('channel')).toBe('C0123456789')
    expect(form.get('text')).toBe('Call ended: Recruiter, 2 min 5 s')
    expect(form.get('unfurl_links')).toBe('false')
    expect((JSON.parse(form.get('blocks') ?? '') as Block[])[0]?.type).toBe('header')
  })

  test.each([
    ['invalid_auth', 'auth', 'bot token'],
    ['token_revoked', 'auth', 'bot token'],
    ['not_authed', 'auth', 'bot token'],
    ['account_inactive', 'auth', 'bot token'],
    ['missing_scope', 'auth', 'chat:write'],
    ['channel_not_found', 'reject', 'invite the app'],
    ['not_in_channel', 'reject', 'invite the app to the channel'],
    ['is_archived', 'reject', 'unarchive'],
    ['msg_blocks_too_long', 'reject', 'too long'],
    ['fatal_error', 'retry', 'could not do it now'],
    ['internal_error', 'retry', 'could not do it now'],
    ['service_unavailable', 'retry', 'could not do it now'],
    ['ratelimited', 'retry', 'too many messages'],
    ['some_new_word', 'reject', '"some_new_word"'],
  ])('error %s is %s, and says what to do', async (error, verdict, advice) => {
    const { peer, destination } = await byApi(apiAnswers({ ok: false, error }))
    expect(await destination.send(messageOf(), running)).toMatchObject({
      verdict,
      status: 200,
      message: expect.stringContaining(advice),
    })
    expect(peer.requests, 'repeating is for the store').toHaveLength(1)
  })

  test('says which block is wrong', async () => {
    const messages = ['[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]']
    const { destination } = await byApi(
      apiAnswers({ ok: false, error: 'invalid_blocks', response_metadata: { messages } }),
    )
    const { message } = await destination.send(messageOf(), running)
    expect(message).toContain('json-pointer:/blocks/0/text/text')
  })

  test.each([{ 'retry-after': '30' }, { 'retry-after': 'soon' }])(
    'comes back when Slack says so, once (%j)',
    async (headers) => {
      const { peer, destination } = await byApi(apiAnswers({ ok: false, error: 'ratelimited' }, 429, headers))
      expect(await destination.send(messageOf(), running)).toMatchObject({
        verdict: 'retry',
        status: 429,
        retryAfterMs: headers['retry-after'] === '30' ? 30_000 : null,
      })
      expect(peer.requests).toHaveLength(1)
    },
  )

  test('a page that is not of Slack is no delivery - a proxy may answer 200 to everything', async () => {
    const { destination } = await byApi(
      answers({ status: 200, body: '<html>Welcome to the hotel network</html>' }),
    )
    expect(await destination.send(messageOf(), running)).toMatchObject({
      verdict: 'retry',
      cause: 'protocol',
    })
  })

  test.each([
    [{ ok: true, message: { text: 'ا'.repeat(40_000) } }, 'delivered'],
    [{ ok: false, error: 'invalid_blocks', errors: ['x'.repeat(100_000)] }, 'reject'],
  ])('an answer that is longer than what is kept counts by its beginning (%#)', async (answer, verdict) => {
    const { destination } = await byApi(apiAnswers(answer))
    expect(await destination.send(messageOf(), running)).toMatchObject({
      verdict,
      response: { truncated: true },
    })
  })

  test('a template is posted in the same way', async () => {
    const { peer, destination } = await byApi(apiAnswers({ ok: true }))
    await destination.send(messageOf({}, { content: 'مرحبا *urgent*' }), running)
    const form = new URLSearchParams(peer.requests[0]?.body.toString())
    expect(form.get('text')).toBe('مرحبا *urgent*')
    expect(form.has('blocks')).toBe(false)
  })
})

describe('the settings of slack', () => {
  const url = 'https://hooks.slack.com/services/T/B/x'

  test('are a webhook, or a token and a channel', () => {
    expect(expectations(slackKind, { url })).toEqual({})
    expect(expectations(slackKind, { token, channel: '#support' })).toEqual({})
    expect(expectations(slackKind, {})).toEqual({ url: expect.stringContaining('hooks.slack.com') })
    expect(expectations(slackKind, { url: undefined })).toEqual({
      url: expect.stringContaining('hooks.slack.com'),
    })
    expect(expectations(slackKind, { token })).toEqual({ channel: expect.stringContaining('C0123456789') })
    expect(expectations(slackKind, { url, token, channel: '#x' })).toEqual({
      token: expect.stringContaining('one of the two'),
      channel: expect.stringContaining('none with a url'),
    })
  })

  test('say what they expect', () => {
    expect(expectations(slackKind, { url: 'hooks.slack.com' })).toEqual({
      url: expect.stringContaining('https://hooks.slack.com/services/'),
    })
    expect(expectations(slackKind, { token: 'abc', channel: '#a b' })).toEqual({
      token: expect.stringContaining('xoxb-'),
      channel: expect.stringContaining('#support'),
    })
    expect(expectations(slackKind, { url, message: 'loud' })).toEqual({ message: 'summary or urgent' })
    expect(expectations(slackKind, { url, colour: 'red' })).toEqual({
      '': 'url token channel message apiUrl',
    })
  })

  test('are refused for an address that deliveries may not reach', async () => {
    const surroundings = surround({ allow: null })
    const parsed = slackKind.settings.parse({ url: 'https://127.0.0.1/x' })
    expect(await slackKind.check(parsed, surroundings)).toMatchObject({ setting: 'url' })
    const api = slackKind.settings.parse({ token, channel: '#a', apiUrl: 'https://[::1]/api/' })
    expect(await slackKind.check(api, surroundings)).toMatchObject({ setting: 'apiUrl' })
    expect(await slackKind.check(parsed, surround({ allow: loopback() }))).toBeNull()
  })

  test('come from the environment as they are - the function adds the kind', () => {
    const config = slack({ name: 'urgent', settings: { url: process.env['NOT_SET'], message: 'urgent' } })
    expect(config).toEqual({ kind: 'slack', name: 'urgent', settings: { url: undefined, message: 'urgent' } })
  })
})

const contracts = [
  destinationContract({
    kind: slackKind,
    settings: (baseUrl) => ({ url: baseUrl + webhookPath, token: undefined }),
    secrets: ['webhook-secret'],
    accepts: { status: 200, body: 'ok' },
    urlSetting: 'url',
  }),
  destinationContract({
    kind: slackKind,
    settings: (baseUrl) => ({ url: undefined, token, channel: '#support', apiUrl: `${baseUrl}/api/` }),
    secrets: [token],
    accepts: { status: 200, body: '{"ok":true}' },
    // The Web API says with 200 what it says.
    verdicts: { 201: 'retry', 202: 'retry', 204: 'retry' },
    urlSetting: 'apiUrl',
  }),
]

test('slack: every case of the contract ran, both ways', () => {
  for (const contract of contracts) expect(contract.ran()).toBe(destinationContractCases)
})
