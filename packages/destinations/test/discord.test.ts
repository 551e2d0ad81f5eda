import { describe, expect, test } from 'vitest'
import {
  answers,
  destinationContract,
  destinationContractCases,
  type PeerAnswer,
} from '@hookswitch/testkit/destination-contract'
import { discordKind } from '../src/discord/discord-kind.ts'
import { discordLimits } from '../src/discord/discord-message.ts'
import { discord } from '../src/discord/discord.ts'
import { enormousCall, expectations, lastJson, messageOf, openKind, running, service } from './open-kind.ts'

const path = '/api/webhooks/1234/discord-webhook-token'

/** Answers as Discord does to `wait=true`: with the message. */
const posted = answers({ status: 200, body: '{"id":"1","type":0,"content":""}' })

async function toDiscord(
  answer: PeerAnswer = posted,
  settings: object = {},
  publicUrl: string | null = null,
) {
  const peer = await service(answer)
  return { peer, destination: openKind(discordKind, { url: peer.url + path, ...settings }, { publicUrl }) }
}

interface Embed {
  title?: string
  url?: string
  description?: string
  fields?: { name: string; value: string; inline?: boolean }[]
  footer?: { text: string }
  timestamp?: string
}

const embedsOf = (sent: Record<string, unknown>): Embed[] => sent['embeds'] as Embed[]

describe('discord', () => {
  test('posts the summary and the transcript of the call, and waits for the answer', async () => {
    const { peer, destination } = await toDiscord(posted, {}, 'https://calls.example.com')
    expect(await destination.send(messageOf(), running)).toMatchObject({ verdict: 'delivered', status: 200 })
    expect(peer.requests[0]).toMatchObject({ method: 'POST', url: `${path}?wait=true` })
    const sent = lastJson(peer)
    expect(sent['allowed_mentions']).toEqual({ parse: [] })
    const [summary, transcript] = embedsOf(sent)
    expect(summary).toMatchObject({
      title: 'Call ended: Recruiter, 2 min 5 s',
      url: 'https://calls.example.com/calls/call_1',
    })
    expect(summary?.fields).toContainEqual({ name: 'priority', value: 'urgent', inline: true })
    expect(summary?.fields).toContainEqual({ name: 'Started', value: '<t:1768478400:f>', inline: true })
    expect(summary?.fields).toContainEqual({
      name: 'Recording',
      value: '[Listen](https://recordings.example/call_1.mp3)',
    })
    expect(transcript).toMatchObject({
      title: 'Transcript',
      description: '**Agent:** Hello!\n**User:** Hi.',
      footer: { text: 'Event evt_00000000000000000000000001' },
      timestamp: '2026-01-15T12:02:10.000Z',
    })
  })

  test('goes to the thread and by the name of the settings', async () => {
    const { peer, destination } = await toDiscord(posted, { threadId: '987', username: 'Calls' })
    await destination.send(messageOf(), running)
    expect(peer.requests[0]?.url).toBe(`${path}?wait=true&thread_id=987`)
    expect(lastJson(peer)['username']).toBe('Calls')
  })

  test('nothing that a caller says is a mention or a link', async () => {
    const { peer, destination } = await toDiscord()
    const text = 'مرحبا @everyone <@1> [click](https://evil.example)'
    await destination.send(messageOf({ transcript: [{ speaker: 'User', text, at: null }] }), running)
    expect(embedsOf(lastJson(peer))[1]?.description).toBe(
      '**User:** مرحبا \\@everyone \\<\\@1\\> \\[click\\]\\(https://evil.example\\)',
    )
  })

  test('keeps every limit of Discord, whatever a call holds', async () => {
    const { peer, destination } = await toDiscord()
    await destination.send(messageOf(enormousCall()), running)
    const embeds = embedsOf(lastJson(peer))
    expect(embeds.length).toBeLessThanOrEqual(discordLimits.embedsMax)
    let total = 0
    for (const { title = '', description = '', fields = [], footer } of embeds) {
      expect(title.length).toBeLessThanOrEqual(discordLimits.titleMax)
      expect(description.length).toBeLessThanOrEqual(discordLimits.descriptionMax)
      expect(fields.length).toBeLessThanOrEqual(discordLimits.fieldsMax)
      total += title.length + description.length + (footer?.text.length ?? 0)
      for (const { name, value } of fields) {
        expect(name.length).toBeLessThanOrEqual(discordLimits.fieldNameMax)
        expect(value.length).toBeLessThanOrEqual(discordLimits.fieldValueMax)
        expect(name).not.toBe('')
        expect(value).not.toBe('')
        total += name.length + value.length
      }
    }
    expect(total).toBeLessThanOrEqual(discordLimits.embedsTotalMax)
    const text = JSON.stringify(embeds)
    expect(text.isWellFormed()).toBe(true)
    expect(text).toMatch(/turns left out/)
    expect(text).toMatch(/\d+ more/)

    const long = Array.from({ length: 900 }, (_, turn) => ({
      speaker: 'User',
      text: `turn ${turn}`,
      at: null,
    }))
    await destination.send(messageOf({ transcript: long }), running)
    const description = embedsOf(lastJson(peer))[1]?.description ?? ''
    expect(description.length).toBeLessThanOrEqual(discordLimits.descriptionMax)
    expect(description.length, 'and no less than fits').toBeGreaterThan(discordLimits.descriptionMax - 100)
  })

  test('a call without a transcript is one embed', async () => {
    const { peer, destination } = await toDiscord()
    await destination.send(messageOf({ transcript: [] }), running)
    expect(embedsOf(lastJson(peer))).toMatchObject([
      { footer: { text: expect.stringMatching(/^Event evt_/) } },
    ])
  })

  test('takes text or the parts of a message from a template, and mentions whom it says', async () => {
    const { peer, destination } = await toDiscord()
    const send = (content: unknown, isTest = false) =>
      destination.send(messageOf({}, { content, test: isTest }), running)
    await send('**Hello** @everyone')
    expect(lastJson(peer)).toEqual({
      content: '**Hello** @everyone',
      embeds: [],
      allowed_mentions: { parse: [] },
    })
    await send('x'.repeat(3000))
    expect(String(lastJson(peer)['content'])).toHaveLength(discordLimits.contentMax)
    const parts = { content: '<@&1>', embeds: [{ title: 'x' }], allowed_mentions: { roles: ['1'] } }
    await send(parts)
    expect(lastJson(peer)).toEqual(parts)
    await send({ embeds: [{ title: 'x' }] }, true)
    expect(lastJson(peer)['content']).toBe('Test from Hookswitch: ')

    const wrong = [
      7,
      null,
      [],
      '',
      {},
      { content: 1 },
      { content: 1n },
      { embeds: 'x' },
      { embeds: Array.from({ length: 11 }) },
    ]
    for (const content of wrong) {
      expect(await send(content)).toMatchObject({ verdict: 'reject', cause: 'code', request: null })
    }
    expect(peer.requests).toHaveLength(4)
  })

  test('a sample says that it is one', async () => {
    const { peer, destination } = await toDiscord()
    await destination.send(messageOf({}, { test: true }), running)
    expect(embedsOf(lastJson(peer))[0]?.title).toMatch(/^Test from Hookswitch: Call ended/)
  })

  test.each([
    [404, 10_015, 'Unknown Webhook', 'gone', 'make a new one'],
    [401, 50_027, 'Invalid Webhook Token', 'auth', "copy the webhook's URL again"],
    [404, 10_003, 'Unknown Channel', 'reject', 'threadId'],
    [400, 220_001, 'Webhooks posted to forum channels must have a thread_name', 'reject', 'threadId'],
    [400, 50_035, 'Invalid Form Body', 'reject', '50035, "Invalid Form Body"'],
    [500, 0, 'Internal Server Error', 'retry', 'Internal Server Error'],
  ])(
    'answer %i with code %i (%s) is %s, and says what to do',
    async (status, code, message, verdict, advice) => {
      const { destination } = await toDiscord(answers({ status, body: JSON.stringify({ message, code }) }))
      const result = await destination.send(messageOf(), running)
      expect(result).toMatchObject({ verdict, status, message: expect.stringContaining(advice) })
    },
  )

  test('waits to the millisecond as long as Discord says - the header counts whole seconds', async () => {
    const body = JSON.stringify({
      message: 'You are being rate limited.',
      retry_after: 0.6543,
      global: false,
    })
    const { destination } = await toDiscord(answers({ status: 429, body, headers: { 'retry-after': '1' } }))
    expect(await destination.send(messageOf(), running)).toMatchObject({
      verdict: 'retry',
      retryAfterMs: 655,
    })
  })

  test('waits by the header where a proxy answers instead', async () => {
    const { destination } = await toDiscord(
      answers({ status: 429, body: '<html>error 1015</html>', headers: { 'retry-after': '30' } }),
    )
    expect(await destination.send(messageOf(), running)).toMatchObject({
      verdict: 'retry',
      retryAfterMs: 30_000,
    })
  })

  test('the URL is secret: a trace shows its host alone', async () => {
    const { peer, destination } = await toDiscord()
    const result = await destination.send(messageOf(), running)
    expect(result.request?.url).toBe(`${peer.url}/…`)
    expect(JSON.stringify(result)).not.toContain('discord-webhook-token')
  })
})

describe('the settings of discord', () => {
  const url = 'https://discord.com/api/webhooks/1/x'

  test('say what they expect', () => {
    expect(expectations(discordKind, { url, threadId: '1', username: 'مركز الاتصال' })).toEqual({})
    expect(expectations(discordKind, { url: '' })).toEqual({ url: expect.stringContaining('discord.com') })
    expect(expectations(discordKind, { url, threadId: 'general' })).toEqual({
      threadId: expect.stringContaining('digits'),
    })
    for (const username of ['', 'My Discord bot', 'CLYDE', 'a\nb', 'x'.repeat(81)]) {
      expect(expectations(discordKind, { url, username })).toEqual({
        username: expect.stringContaining('80'),
      })
    }
  })

  test('the function adds the kind', () => {
    const config = discord({ name: 'calls', settings: { url, threadId: '1' } })
    expect(config).toEqual({ kind: 'discord', name: 'calls', settings: { url, threadId: '1' } })
  })
})

const contract = destinationContract({
  kind: discordKind,
  settings: (baseUrl) => ({ url: baseUrl + path }),
  secrets: ['discord-webhook-token'],
  accepts: { status: 200, body: '{"id":"1"}' },
  urlSetting: 'url',
})

test('discord: every case of the contract ran', () => {
  expect(contract.ran()).toBe(destinationContractCases)
})
