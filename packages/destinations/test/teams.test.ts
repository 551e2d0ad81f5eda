import { describe, expect, test } from 'vitest'
import {
  answers,
  destinationContract,
  destinationContractCases,
  type PeerAnswer,
} from '@hookswitch/testkit/destination-contract'
import { teamsBytesMax } from '../src/teams/teams-card.ts'
import { teamsKind } from '../src/teams/teams-kind.ts'
import { teams } from '../src/teams/teams.ts'
import {
  enormousCall,
  expectations,
  lastJson,
  messageOf,
  openKind,
  running,
  service,
  surround,
} from './open-kind.ts'

const path = '/workflows/w1/triggers/manual/paths/invoke?api-version=1&sig=the-signature'

/** Answers as a workflow does: 202 and nothing more, before it has run. */
const accepted = answers({ status: 202 })

async function toTeams(answer: PeerAnswer = accepted, publicUrl: string | null = null) {
  const peer = await service(answer)
  return { peer, destination: openKind(teamsKind, { url: peer.url + path }, { publicUrl }) }
}

interface Element {
  type: string
  text?: string
  inlines?: { text: string; italic?: boolean }[]
}

interface Card {
  type: string
  version: string
  body: Element[]
  actions: { type: string; title: string; url: string }[]
}

function cardOf(sent: Record<string, unknown>): Card {
  return (sent['attachments'] as { content: Card }[])[0]?.content as Card
}

/** What a reader sees, a line an element. */
function linesOf({ body }: Card): string[] {
  return body.map(({ text, inlines = [] }) => text ?? inlines.map((run) => run.text).join(''))
}

describe('teams', () => {
  test('posts an Adaptive Card with the summary of the call', async () => {
    const { peer, destination } = await toTeams(accepted, 'https://calls.example.com')
    const result = await destination.send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'delivered', status: 202 })
    expect(result.message, 'taken is not yet posted').toContain('run history')

    const sent = lastJson(peer)
    expect(sent).toMatchObject({
      type: 'message',
      attachments: [{ contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null }],
    })
    const card = cardOf(sent)
    expect(card).toMatchObject({ type: 'AdaptiveCard', version: '1.4' })
    expect(linesOf(card)).toEqual([
      'Call ended: Recruiter, 2 min 5 s',
      'Call ID: call_1',
      'Duration: 2 min 5 s',
      'Agent: Recruiter',
      'User: +15550100',
      'Started: 2026-01-15 12:00:00 UTC',
      'Status: ended',
      'Direction: inbound',
      'Channel: telephony',
      'Agent number: +15550199',
      'Outcome',
      'priority: urgent',
      'Transcript',
      'Agent: Hello!',
      'User: Hi.',
      'Event evt_00000000000000000000000001',
    ])
    expect(card.actions).toEqual([
      { type: 'Action.OpenUrl', title: 'View Details', url: 'https://calls.example.com/calls/call_1' },
      { type: 'Action.OpenUrl', title: 'Recording', url: 'https://recordings.example/call_1.mp3' },
    ])
  })

  test('shows what callers say as it is, in runs that know no Markdown and no mentions', async () => {
    const { peer, destination } = await toTeams()
    const text = 'مرحبا <at>Everyone</at> [click](https://evil.example) **now**'
    await destination.send(messageOf({ transcript: [{ speaker: 'User', text, at: null }] }), running)
    const card = cardOf(lastJson(peer))
    expect(linesOf(card)).toContain(`User: ${text}`)
    expect(new Set(card.body.map(({ type }) => type))).toEqual(new Set(['RichTextBlock']))
    expect(JSON.stringify(card), 'a mention needs its entity').not.toContain('"entities"')
  })

  test('cuts the transcript first, then the rest, to the size that Teams takes', async () => {
    const { peer, destination } = await toTeams(accepted, `https://calls.example.com/${'p'.repeat(500)}`)
    const said = Array.from({ length: 2000 }, (_, turn) => ({
      speaker: 'User',
      text: `${turn} مرحبا`,
      at: null,
    }))
    await destination.send(messageOf({ transcript: said }), running)
    expect(peer.requests[0]?.body.byteLength).toBeLessThanOrEqual(teamsBytesMax)
    expect(peer.requests[0]?.body.byteLength, 'and no more than needed').toBeGreaterThan(teamsBytesMax - 600)
    const lines = linesOf(cardOf(lastJson(peer)))
    expect(lines).toContain('priority: urgent')
    expect(lines).toContain('User: 0 مرحبا')
    expect(lines).toContain('User: 1999 مرحبا')
    expect(lines.some((line) => /^… \d+ turns left out …$/.test(line))).toBe(true)

    await destination.send(messageOf(enormousCall()), running)
    expect(peer.requests[1]?.body.byteLength).toBeLessThanOrEqual(teamsBytesMax)
    const most = linesOf(cardOf(lastJson(peer)))
    expect(most).not.toContain('Transcript')
    expect(most.some((line) => /^… \d+ more$/.test(line))).toBe(true)
    expect(JSON.stringify(most).isWellFormed()).toBe(true)
  })

  test('takes text or a card from a template, and refuses what is neither or too large', async () => {
    const { peer, destination } = await toTeams()
    const send = (content: unknown) => destination.send(messageOf({}, { content }), running)
    await send('**Hello** مرحبا')
    expect(cardOf(lastJson(peer)).body).toEqual([{ type: 'TextBlock', text: '**Hello** مرحبا', wrap: true }])
    await send('ا'.repeat(50_000))
    expect(peer.requests.at(-1)?.body.byteLength).toBeLessThanOrEqual(teamsBytesMax)
    const card = { type: 'AdaptiveCard', version: '1.4', body: [{ type: 'TextBlock', text: 'x' }] }
    await send(card)
    expect(cardOf(lastJson(peer))).toEqual(card)

    expect(peer.requests).toHaveLength(3)
    for (const content of [7, null, '', [], { type: 'message' }, { type: 'AdaptiveCard', body: [1n] }]) {
      expect(await send(content)).toMatchObject({ verdict: 'reject', cause: 'code' })
    }
    const large = { ...card, body: [{ type: 'TextBlock', text: 'x'.repeat(30_000) }] }
    expect((await send(large)).message).toMatch(/a card of 30\d{3} bytes, expected at most 24576/)
    expect(peer.requests).toHaveLength(3)
  })

  test('a sample says that it is one, in every form', async () => {
    const { peer, destination } = await toTeams()
    const card = { type: 'AdaptiveCard', body: [] }
    for (const content of [undefined, 'x', card]) {
      await destination.send(messageOf({}, { test: true, content }), running)
      expect(linesOf(cardOf(lastJson(peer)))[0]).toMatch(/^Test from Hookswitch:/)
    }
  })

  test.each([
    [404, 'WorkflowNotFound', 'gone', 'make a new one'],
    [401, 'AuthorizationFailed', 'auth', "copy the workflow's URL again"],
    [403, 'DirectApiAuthorizationRequired', 'auth', "copy the workflow's URL again"],
    [400, 'TriggerInputSchemaMismatch', 'reject', '"TriggerInputSchemaMismatch"'],
    [429, 'TooManyRequests', 'retry', '"TooManyRequests"'],
    [502, 'NoResponse', 'retry', '"NoResponse"'],
  ])('answer %i %s is %s, and says what to do', async (status, code, verdict, advice) => {
    const { destination } = await toTeams(
      answers({ status, body: JSON.stringify({ error: { code, message: '…' } }) }),
    )
    const result = await destination.send(messageOf(), running)
    expect(result).toMatchObject({ verdict, status, message: expect.stringContaining(advice) })
  })

  test('the URL is secret: a trace shows its host alone', async () => {
    const { peer, destination } = await toTeams()
    const result = await destination.send(messageOf(), running)
    expect(result.request?.url).toBe(`${peer.url}/…`)
    expect(JSON.stringify(result)).not.toContain('the-signature')
  })
})

describe('the settings of teams', () => {
  test('say what they expect', () => {
    expect(expectations(teamsKind, { url: undefined })).toEqual({
      url: expect.stringContaining('Teams workflow'),
    })
    expect(expectations(teamsKind, { url: 'ftp://x' })).toEqual({
      url: expect.stringContaining('Teams workflow'),
    })
  })

  test('the URL of a connector is refused with what to do instead - Microsoft has ended them', async () => {
    for (const url of [
      'https://acme.webhook.office.com/webhookb2/1',
      'https://outlook.office.com/webhook/1',
    ]) {
      const problem = await teamsKind.check({ url }, surround())
      expect(problem).toEqual({ setting: 'url', problem: expect.stringMatching(/has ended.*Workflows/) })
    }
    const unresolved = surround({ resolve: () => Promise.reject(new Error('no such name')) })
    expect(await teamsKind.check({ url: 'https://webhook.office.com.example' }, unresolved)).toBeNull()
  })

  test('the function adds the kind', () => {
    const config = teams({ name: 'ops', settings: { url: process.env['NOT_SET'] } })
    expect(config).toEqual({ kind: 'teams', name: 'ops', settings: { url: undefined } })
  })
})

const contract = destinationContract({
  kind: teamsKind,
  settings: (baseUrl) => ({ url: baseUrl + path }),
  secrets: ['the-signature'],
  accepts: { status: 202 },
  // A workflow that is not there any more.
  verdicts: { 404: 'gone' },
  urlSetting: 'url',
})

test('teams: every case of the contract ran', () => {
  expect(contract.ran()).toBe(destinationContractCases)
})
