import { describe, expect, test } from 'vitest'
import type { ApiAgent, ApiAgentTestResult, ApiAgentWebhook, ApiHealth } from '../src/agents/agent-shapes.ts'
import { formatAgent, formatAgents, formatTestResults } from '../src/agents/agent-text.ts'
import type { Terminal } from '../src/terminal/terminal.ts'

// Times are compared as they are printed.
process.env['TZ'] = 'UTC'

function terminalOf(columns: number): Terminal {
  const nothing = (): void => {}
  const plain = (_style: string, text: string): string => text
  return {
    print: nothing,
    printJson: nothing,
    printJsonLine: nothing,
    note: nothing,
    progress: nothing,
    paint: plain,
    paintNote: plain,
    columns,
    interactive: false,
  }
}

const terminal = terminalOf(Infinity)

const healthy: ApiHealth = {
  hours: 24,
  attempts: 118,
  successRate: 0.9999,
  p95Ms: 240.4,
  lastSuccessAt: '2026-03-01T12:14:20.000Z',
  lastFailure: { at: '2026-03-01T11:00:00.000Z', status: 503, cause: null, message: null },
  failingSince: null,
  holdsAt: null,
}

const webhook: ApiAgentWebhook = {
  url: 'https://example.com/webhook',
  authKey: 'Bearer',
  events: null,
  retry: { preset: 'standard' },
  limits: { concurrency: 10, perSecond: null, failingHours: 48 },
  signing: [],
  secrets: ['authSecret'],
  enabled: true,
  state: { state: 'active' },
  destination: { id: 'dst_V3x0mB1kq9Zt4Rfa', name: 'agent:clinic' },
  health: healthy,
}

function agentWith(given: Partial<ApiAgentWebhook> | null, others: Partial<ApiAgent> = {}): ApiAgent {
  return {
    id: 'clinic',
    name: 'Clinic',
    project: null,
    origin: 'api',
    outcomeSchema: null,
    webhook: given === null ? null : { ...webhook, ...given },
    createdAt: '2026-03-01T12:00:00.000Z',
    updatedAt: '2026-03-01T12:00:00.000Z',
    ...others,
  }
}

/** The line with this label. */
function fact(agent: ApiAgent, label: string): string | undefined {
  const line = formatAgent(agent, terminal)
    .split('\n')
    .find((each) => each.startsWith(`${label} `))
  return line?.slice(label.length).trim()
}

describe('agents', () => {
  test('are listed with the state of their webhook', () => {
    const held = {
      state: 'held',
      reason: 'failing',
      since: '2026-03-01T12:00:00.000Z',
      until: null,
      detail: null,
    } as const
    const agents = [
      agentWith({ state: held, events: ['call.started', 'call.ended'] }),
      agentWith(null, { id: 'agt_1', name: 'Recruiter', origin: 'config' }),
    ]
    expect(formatAgents(agents, terminal).split('\n')).toEqual([
      'agent   name       state          events                    from             webhook',
      'clinic  Clinic     held: failing  call.started, call.ended  the API          https://example.com/webhook',
      'agt_1   Recruiter  no webhook     –                         the config file  –',
    ])
  })

  test('are shown with what is set and how their endpoint does', () => {
    expect(formatAgent(agentWith({}, { project: 'north' }), terminal).split('\n')).toEqual([
      'Clinic',
      'id             clinic',
      'project        north',
      'from           the API',
      'webhook        https://example.com/webhook',
      'state          active',
      'events         all',
      'authorization  Bearer …',
      'signed         no',
      'retry          standard',
      'limits         10 at once, held after 48 h of failure',
      'last 24 h      118 tries, 99.9 % successful, 95 % within 240 ms',
      'last success   2026-03-01 12:14:20',
      'last failure   2026-03-01 11:00:00: 503',
      'destination    agent:clinic (dst_V3x0mB1kq9Zt4Rfa)',
      'made           2026-03-01 12:00:00',
      'changed        2026-03-01 12:00:00',
      'Times are in UTC.',
    ])
  })

  test('without a webhook say where their events go', () => {
    const agent = agentWith(null, { createdAt: null, updatedAt: null })
    expect(fact(agent, 'webhook')).toBe('none: its events are kept and go nowhere')
    expect(fact(agent, 'made')).toBeUndefined()
  })

  test('say when an endpoint that fails will be held, and why one is', () => {
    const failing = {
      ...healthy,
      attempts: 1,
      successRate: 0,
      p95Ms: null,
      lastSuccessAt: null,
      lastFailure: {
        at: '2026-03-01T12:00:00.000Z',
        status: null,
        cause: 'refused',
        message: 'nobody there',
      },
      failingSince: '2026-03-01T10:00:00.000Z',
      holdsAt: '2026-03-03T10:00:00.000Z',
    }
    const agent = agentWith({ health: failing })
    expect(fact(agent, 'last 24 h')).toBe('1 try, 0 % successful')
    expect(fact(agent, 'last success')).toBe('–')
    expect(fact(agent, 'last failure')).toBe('2026-03-01 12:00:00: refused, nobody there')
    expect(fact(agent, 'failing since')).toBe(
      '2026-03-01 10:00:00; held at 2026-03-03 10:00:00 unless something succeeds before',
    )
    const state = {
      state: 'held',
      reason: 'auth',
      since: '2026-03-01T12:00:00.000Z',
      until: null,
      detail: 'it answered 401',
    } as const
    expect(fact(agentWith({ state }), 'why')).toBe('it answered 401')
    expect(fact(agentWith({ health: { ...healthy, attempts: 0, successRate: null } }), 'last 24 h')).toBe(
      'nothing was tried',
    )
  })

  test('show the header and the keys, never a secret', () => {
    expect(fact(agentWith({ authKey: null }), 'authorization')).toBe('…')
    expect(fact(agentWith({ secrets: [] }), 'authorization')).toBe('none')
    const unread = 'cannot be read with this HOOKSWITCH_SECRET_KEY'
    expect(fact(agentWith({ secrets: null }), 'authorization')).toBe(unread)
    expect(fact(agentWith({ signing: null }), 'signed')).toBe(unread)
    const signing = [
      { version: 'v1a', publicKey: 'whpk_abc', until: null },
      { version: 'v1', publicKey: null, until: '2026-03-02T12:00:00.000Z' },
    ]
    expect(fact(agentWith({ signing }), 'signed')).toBe('v1a whpk_abc, v1 until 2026-03-02 12:00:00')
  })

  test('name the fields that they collect', () => {
    const schemaOf = (outcomeSchema: Record<string, unknown>) =>
      fact(agentWith({}, { outcomeSchema }), 'outcome')
    expect(schemaOf({ properties: { noticePeriod: {}, resolved: {} } })).toBe('noticePeriod, resolved')
    expect(schemaOf({ type: 'object' })).toBe('a schema without fields')
  })

  test('are printed without what moves a cursor - a name may hold anything', () => {
    const agent = agentWith({ url: 'https://example.com/\u001b[2J' }, { name: 'a\u001b[31mb' })
    const printed = formatAgent(agent, terminal) + formatAgents([agent], terminal)
    expect(printed).not.toContain('\u001b')
    expect(printed).toContain(String.raw`a\u{1b}[31mb`)
  })
})

describe('what a test came to', () => {
  const result = (
    eventType: string,
    sentence: string,
    attempt: Partial<ApiAgentTestResult['attempt']>,
  ): ApiAgentTestResult => ({
    eventType,
    ok: attempt.status === 200,
    sentence,
    attempt: {
      startedAt: '2026-03-01T12:00:00.000Z',
      durationMs: 43,
      verdict: 'delivered',
      status: null,
      cause: null,
      message: null,
      request: null,
      response: null,
      ...attempt,
    },
  })
  const results = [
    result('call.started', 'Your endpoint answered 200 after 43 ms.', { status: 200 }),
    result('call.ended', 'No answer from example.com within 5 s. Let your endpoint answer 200 first.', {
      cause: 'timeout',
      durationMs: 5_001,
    }),
  ]

  test('stands on a line for each type - for a pipe, and for grep', () => {
    expect(formatTestResults(results, terminal).split('\n')).toEqual([
      'call.started  200        43 ms  Your endpoint answered 200 after 43 ms.',
      'call.ended    timeout  5001 ms  No answer from example.com within 5 s. Let your endpoint answer 200 first.',
    ])
  })

  test('is broken and never cut on a terminal - the end of the sentence says what to do', () => {
    expect(formatTestResults(results, terminalOf(80)).split('\n')).toEqual([
      'call.started  200        43 ms  Your endpoint answered 200 after 43 ms.',
      'call.ended    timeout  5001 ms  No answer from example.com within 5 s. Let your',
      '                                endpoint answer 200 first.',
    ])
  })
})
