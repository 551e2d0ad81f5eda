import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  createReceiver,
  echoed,
  memoryDedupe,
  outcomeState,
  Rejected,
  transcriptText,
  type Handler,
  type HandlerContext,
  type Incoming,
  type LogEntry,
  type Receiver,
  type ReceiverOptions,
} from '../packages/receiver/src/index.ts'
import { sqlDedupe, sqliteDatabase } from '../packages/receiver/src/dedupe/sql-dedupe.ts'
import { resolveOptions } from '../packages/receiver/src/receiver/resolve-options.ts'
import { amountOf, sourceOf } from './constant-reader.ts'
import { codesIn, fencesOf, firstCodes, readPage, rowsUnder, sectionOf } from './page-reader.ts'
import { repositoryRoot } from './repository.ts'

// What the page of the receiver says, held to the receiver.

const page = 'docs/receiver.md'
const secret = 'your_secret_token'

/** The members of an interface, those of an object within it as `outer.inner`. */
function membersOf(file: string, name: string): string[] {
  const [, body = ''] =
    new RegExp(`^export interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)^\\}`, 'm').exec(sourceOf(file)) ?? []
  let outer = ''
  return [...body.matchAll(/^( +)(\w+)\??:/gm)].map(([, indent = '', member = '']) => {
    if (indent.length === 2) outer = member
    return indent.length === 2 ? member : `${outer}.${member}`
  })
}

describe('options', () => {
  const rows = rowsUnder(page, 'Options')

  test('are all listed, with their defaults', () => {
    expect(firstCodes(rows).sort()).toEqual(
      membersOf('packages/receiver/src/receiver/options.ts', 'ReceiverOptions').sort(),
    )
    const resolved = resolveOptions({
      auth: 'none',
      signature: { secrets: ['whsec_AAAA'] },
      on: { 'call.ended': () => {} },
    })
    const said = Object.fromEntries(rows.map(([name = '', value = '']) => [name.replaceAll('`', ''), value]))
    const amounts = ['dedupeWindowMs', 'deadlineMs', 'bodyBytesMax', 'bodyMs'] as const
    for (const name of amounts) expect(amountOf(said[name] ?? ''), name).toBe(resolved[name])
    expect(amountOf(said['signature.toleranceSeconds'] ?? '') / 1000).toBe(
      resolved.signature?.toleranceSeconds,
    )
    expect(said).toMatchObject({
      order: `\`'${resolved.order}'\``,
      onFailure: `\`'${resolved.onFailure}'\``,
      now: '`Date.now`',
    })
    for (const name of ['outcome', 'dedupe', 'queue', 'tracer'] as const) {
      expect([said[name], resolved[name]], name).toEqual(['none', null])
    }
    expect(sectionOf(page, 'No event twice')).toContain(`a lease of ${resolved.leaseMs / 1000} s`)
  })

  test('of onError are told all phases', () => {
    const [, phases = ''] =
      /\bphase: ('handler'.*)/.exec(sourceOf('packages/receiver/src/receiver/options.ts')) ?? []
    const [, , told = ''] = rows.find(([name]) => name === '`onError`') ?? []
    const known = [...phases.matchAll(/'(\w+)'/g)].map(([, phase]) => phase)
    expect(codesIn(told).filter((code) => code !== 'phase')).toEqual(known)
  })

  test('are followed by what a handler gets', () => {
    expect(firstCodes(rowsUnder(page, 'Ten lines'))).toEqual(
      expect.arrayContaining(['event', 'call', 'attempt']),
    )
    expect(firstCodes(rowsUnder(page, 'Ten lines'))).toEqual([
      ...membersOf('packages/receiver/src/receiver/options.ts', 'HandlerContext'),
    ])
  })
})

test('the adapters are those of the package', () => {
  const { exports } = JSON.parse(
    readFileSync(join(repositoryRoot, 'packages/receiver/package.json'), 'utf8'),
  ) as { exports: Record<string, { 'hookswitch-source': string }> }
  const adapters = Object.entries(exports).filter(([, { 'hookswitch-source': file }]) =>
    file.includes('/adapters/'),
  )
  expect(firstCodes(rowsUnder(page, 'Adapters'))).toEqual(adapters.map(([path]) => path.slice(1)))
})

interface Scenario {
  options?: Partial<ReceiverOptions>
  /** What the handler does at its first event. */
  first?: (context: HandlerContext) => unknown
  /** What is sent first, where that is not a plain event. */
  sent?: Partial<Incoming> & { headers?: Record<string, string> }
  /** Something that is under way when the first event comes; gives what ends it. */
  before?: (send: (sent?: Scenario['sent']) => Promise<Seen>) => Promise<() => Promise<unknown>>
}

interface Seen {
  status: number
  headers: Readonly<Record<string, string>>
  body: Record<string, unknown>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function eventOf(data: unknown = {}, more: object = {}): string {
  return JSON.stringify({ eventType: 'call.ended', callId: 'call_1', data: { data }, ...more })
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** As long as the tests have to wait, too. */
const soonMs = 50

/** A promise that somebody else resolves. */
function gate(): { passed: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { passed: promise, open: resolve }
}

/** Fails once, and then goes on as it should. */
function failingOnce<T>(answer: () => Promise<T>): () => Promise<T> {
  let isFirst = true
  return () => {
    if (!isFirst) return answer()
    isFirst = false
    return Promise.reject(new Error('away'))
  }
}

function brokenDedupe(): ReturnType<typeof memoryDedupe> {
  const dedupe = memoryDedupe()
  let isFirst = true
  return {
    ...dedupe,
    claim: (key, leaseMs) => {
      if (!isFirst) return dedupe.claim(key, leaseMs)
      isFirst = false
      return Promise.reject(new Error('away'))
    },
  }
}

const never = new ReadableStream<Uint8Array>()
const inHand = { begun: gate(), ended: gate() }
const inTurn = { begun: gate(), ended: gate() }

/** How each row of the table comes about. */
const scenarios: Record<string, Scenario> = {
  'the handler is done': {},
  'it was handled within the window': {
    before: async (send) => {
      const earlier = await send()
      return () => Promise.resolve(earlier)
    },
  },
  'there is no handler for its type': { sent: { body: bytes(eventOf({}, { eventType: 'call.started' })) } },
  'the queue has it': { options: { queue: { add: () => Promise.resolve() } } },
  'the handler threw `Rejected`': {
    first: () => {
      throw new Rejected('no such application')
    },
  },
  'the handler threw anything else': {
    first: () => {
      throw new Error('the database is away')
    },
  },
  'the handler is not done at the deadline': {
    options: { deadlineMs: soonMs },
    first: () => new Promise(() => {}),
  },
  'another process, or this one, is handling it': {
    first: () => {
      inHand.begun.open()
      return inHand.ended.passed
    },
    before: async (send) => {
      const other = send()
      // Of two that come at once either may be the first.
      await inHand.begun.passed
      return () => {
        inHand.ended.open()
        return other
      }
    },
  },
  'the dedupe threw or is too late': { options: { dedupe: brokenDedupe() } },
  'the queue threw or is too late': { options: { queue: { add: failingOnce(() => Promise.resolve()) } } },
  "its call's earlier events are not done at the deadline": {
    options: { order: 'call', deadlineMs: soonMs },
    first: () => {
      inTurn.begun.open()
      return inTurn.ended.passed
    },
    before: async (send) => {
      const earlier = send({ body: bytes(eventOf({ earlier: true })) })
      await inTurn.begun.passed
      return () => {
        inTurn.ended.open()
        return earlier
      }
    },
  },
  'signatures are asked for, and something has parsed the body': {
    options: { signature: { secrets: ['whsec_AAAA'] } },
    sent: { body: { parsed: JSON.parse(eventOf()), by: 'a parser', move: 'move it' } },
  },
  'something has parsed the body, and rounded a number in it': {
    sent: { body: { parsed: JSON.parse(eventOf({ userId: 2 ** 53 })), by: 'a parser', move: 'move it' } },
  },
  'it is not a POST': { sent: { method: 'GET' } },
  '`Content-Encoding` is not `identity`': { sent: { headers: { 'content-encoding': 'gzip' } } },
  'the body is longer than `bodyBytesMax`': { options: { bodyBytesMax: 10 } },
  'the body is slower than `bodyMs`': { options: { bodyMs: soonMs }, sent: { body: never } },
  'the header shows no secret': { sent: { headers: { authorization: '' } } },
  'the header shows another secret': { sent: { headers: { authorization: 'Bearer another' } } },
  'the signature does not hold': { options: { signature: { secrets: ['whsec_AAAA'] } } },
  'the body is no event': { sent: { body: bytes('{"eventType":"call.ended"}') } },
}

describe('what is answered when', () => {
  const rows = rowsUnder(page, 'What is answered when')

  test('every row comes about here', () => {
    expect(rows.map(([what]) => what)).toEqual(Object.keys(scenarios))
  })

  test.each(rows)('%s', async (what = '', answer = '', reason = '', repeat = '') => {
    const { options = {}, first, sent, before } = scenarios[what] ?? {}
    const entries: LogEntry[] = []
    let reached = 0
    const handle: Handler = (context) => {
      reached += 1
      return reached === 1 ? first?.(context) : undefined
    }
    const receiver = createReceiver({
      secrets: secret,
      dedupe: memoryDedupe(),
      log: (entry) => entries.push(entry),
      on: { 'call.ended': handle },
      ...options,
    })
    const send = async ({ headers = {}, ...more }: NonNullable<Scenario['sent']> = {}): Promise<Seen> => {
      const all: Record<string, string> = { authorization: `Bearer ${secret}`, ...headers }
      const incoming = {
        method: 'POST',
        header: (name: string) => all[name],
        body: bytes(eventOf()),
        ...more,
      }
      const { status, headers: answered, body } = await receiver.receive(incoming)
      return { status, headers: answered, body: JSON.parse(body) as Record<string, unknown> }
    }

    const end = await before?.(send)
    const seen = await send(sent)
    expect(seen.status).toBe(Number(/^\d{3}/.exec(answer)?.[0]))
    for (const member of ['"duplicate":true', '"processing_error":true']) {
      expect(JSON.stringify(seen.body).includes(member), member).toBe(answer.includes(member))
    }
    expect('retry-after' in seen.headers).toBe(answer.includes('Retry-After'))
    expect(entries.at(-1)?.reason ?? '–').toBe(codesIn(reason)[0] ?? '–')

    await end?.()
    const reachedBefore = reached
    // What was wrong on the way is right at the second time; what is wrong with the request is not.
    const isTheirs = /^the same|^passed/.test(repeat)
    const repeated = await send(isTheirs ? sent : {})
    const became =
      repeated.body['duplicate'] === true
        ? 'a duplicate'
        : reached > reachedBefore
          ? 'handled'
          : repeated.status >= 300
            ? 'the same'
            : options.queue === undefined
              ? 'passed over'
              : 'queued'
    expect(repeat.startsWith(became), `${repeat}: ${became}`).toBe(true)
    if (became === 'the same') expect(repeated.status).toBe(seen.status)
  })

  test('what is answered never says what the handler threw', async () => {
    const receiver = createReceiver({
      auth: 'none',
      on: {
        '*': () => {
          throw new Error('+12025550143')
        },
      },
    })
    const response = await receiver.fetch(new Request('http://app/', { method: 'POST', body: eventOf() }))
    expect([response.status, await response.json()]).toEqual([
      500,
      { error: 'Internal error', code: 'internal' },
    ])
  })
})

describe('log and traces', () => {
  const folder = 'packages/receiver/src/receiver'
  const sources = globSync('*.ts', { cwd: join(repositoryRoot, folder) })
    .filter((file) => !file.endsWith('.test.ts'))
    .map((file) => sourceOf(`${folder}/${file}`))
    .join('\n')

  /** Every reason that the code gives, wherever it does. */
  function reasonsGiven(): Set<string> {
    const patterns = [
      /\b(?:unavailable|internalError|refused|processingError)\([^'\n]*'(\w+)'/g,
      /\breason: '(\w+)'/g,
      /\breturn '(secret_\w+)'/g,
    ]
    const written = patterns.flatMap((pattern) => [...sources.matchAll(pattern)])
    const [, endings = ''] = /export type Ended = (.*)/.exec(sources) ?? []
    const [, refusals = ''] =
      /export type WebhookRefusal =([^;]*?)\n\n/.exec(
        sourceOf('packages/events/src/auth/standard-webhooks.ts'),
      ) ?? []
    const ended = [...endings.matchAll(/'(\w+)'/g)]
    const refused = [...refusals.matchAll(/'(\w+)'/g)].map(([, refusal = '']) => `signature_${refusal}`)
    expect(ended.length).toBeGreaterThan(2)
    expect(refused.length).toBeGreaterThan(5)
    const reasons = new Set([...[...written, ...ended].map(([, reason = '']) => reason), ...refused])
    // A receiver that asks for signatures without a secret cannot be made.
    reasons.delete('signature_no_secret')
    return reasons
  }

  test('the reasons are all listed', () => {
    const rows = rowsUnder(page, 'Log and traces')
    expect(firstCodes(rows).sort()).toEqual([...reasonsGiven()].sort())
    const [, union = ''] = /\bevent: ('accepted'.*)/.exec(sourceOf(`${folder}/options.ts`)) ?? []
    const events = new Set(rows.flatMap(([, event = '']) => codesIn(event)))
    expect([...events].filter((event) => !union.includes(`'${event}'`))).toEqual([])
  })

  test('those of the answers are among them', () => {
    const answered = rowsUnder(page, 'What is answered when').flatMap(([, , reason = '']) => codesIn(reason))
    const listed = firstCodes(rowsUnder(page, 'Log and traces'))
    expect(answered.filter((reason) => !listed.includes(reason))).toEqual([])
  })
})

describe('how long a program is', () => {
  const codeLines = (text: string): number =>
    text.split('\n').filter((line) => !/^\s*(?:\/\/.*)?$/.test(line)).length

  test('the first one of the page has the ten lines of its heading', () => {
    const [first] = fencesOf(sectionOf(page, 'Ten lines'), 'ts')
    expect(codeLines(first?.text ?? '')).toBe(10)
  })

  test('that of Express has as many as its page says', () => {
    const said = /Of the (\d+) lines of code/.exec(readPage('examples/express/README.md'))?.[1]
    expect(codeLines(sourceOf('examples/express/server.ts'))).toBe(Number(said))
  })
})

describe('the programs of the page', () => {
  let folder: string
  const programs = fencesOf(readPage(page), 'ts').map(({ text }, at) => ({
    file: `program-${at + 1}.ts`,
    text,
  }))

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hookswitch-docs-'))
    symlinkSync(join(repositoryRoot, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    for (const { file, text } of programs) writeFileSync(join(folder, file), text)
  })

  afterAll(() => rmSync(folder, { recursive: true }))

  test('type-check under the strictest settings', () => {
    expect(programs.length).toBeGreaterThan(10)
    const settings = {
      extends: join(repositoryRoot, 'tsconfig.base.json'),
      compilerOptions: { noEmit: true },
      files: programs.map(({ file }) => file),
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    const compiler = join(repositoryRoot, 'node_modules/typescript/bin/tsc')
    expect(execFileSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' })).toBe('')
  })

  test('show what they say', async () => {
    const telling = programs.filter(({ text }) => text.includes('export const shown'))
    expect(telling.length).toBeGreaterThan(0)
    for (const { file, text } of telling) {
      const said = /\/\/ (\[.*\])\n$/.exec(text)?.[1]?.replaceAll("'", '"') ?? ''
      const { shown } = (await import(pathToFileURL(join(folder, file)).href)) as { shown: unknown }
      expect(shown).toEqual(JSON.parse(said))
    }
  })

  test('a call without an outcome is no failure - none was collected, and nothing misfits', async () => {
    const checking = programs.find(({ text }) => text.includes("from 'zod'"))?.file ?? ''
    vi.stubEnv('WEBHOOK_SECRET', secret)
    const { receiver } = (await import(pathToFileURL(join(folder, checking)).href)) as { receiver: Receiver }
    vi.unstubAllEnvs()
    const log = vi.spyOn(console, 'log').mockReturnValue()
    const failed = []
    for (const outcomeResult of [undefined, null, {}, { expectedSalary: '80000' }, { noticePeriod: 7 }]) {
      const headers = { authorization: `Bearer ${secret}` }
      const body = eventOf({ outcomeResult })
      const response = await receiver.fetch(new Request('http://app/', { method: 'POST', headers, body }))
      if ((await response.text()).includes('processing_error')) failed.push(outcomeResult)
    }
    expect(log.mock.calls).toEqual([[undefined], [undefined], [undefined], [80_000]])
    log.mockRestore()
    expect(failed).toEqual([{ noticePeriod: 7 }])
  })

  test('the table for SQL is the one that is used', async () => {
    const database = new DatabaseSync(':memory:')
    const [table] = fencesOf(sectionOf(page, 'No event twice'), 'sql')
    database.exec(table?.text ?? '')
    const dedupe = sqlDedupe(sqliteDatabase(database))
    const claim = await dedupe.claim('key', 1_000)
    expect(claim.state).toBe('claimed')
    const own = new DatabaseSync(':memory:')
    await sqlDedupe(sqliteDatabase(own)).createTable()
    const columnsOf = (opened: DatabaseSync): unknown =>
      opened.prepare("SELECT name, type, pk FROM pragma_table_info('hookswitch_dedupe')").all()
    expect(columnsOf(database)).toEqual(columnsOf(own))
  })
})

/** What a handler makes of one event, or of several. */
async function seenOf<T>(bodies: readonly string[], look: (context: HandlerContext) => T): Promise<T[]> {
  const seen: T[] = []
  const receiver = createReceiver({
    auth: 'none',
    dedupe: memoryDedupe(),
    on: { '*': (context) => void seen.push(look(context)) },
  })
  await Promise.all(
    bodies.map((body) => receiver.fetch(new Request('http://app/', { method: 'POST', body }))),
  )
  return seen
}

const at = { timestamp: '2024-01-15T14:35:00.000Z' }

/** Each claim of the last table that is about the receiver itself, by the code that it is about. */
const claims: Record<string, () => Promise<void>> = {
  'if (authHeader !== expectedToken)': async () => {
    expect(() => createReceiver({ secrets: undefined, on: { '*': () => {} } })).toThrow('not set')
    const receiver = createReceiver({ secrets: [secret, 'Bearer next'], on: { '*': () => {} } })
    const forms = ['Bearer X', 'bearer X', 'Token X', 'X', 'bearer Bearer X']
    for (const form of forms.flatMap((text) => [text.replace('X', secret), text.replace('X', 'next')])) {
      const headers = { authorization: form }
      const request = new Request('http://app/', { method: 'POST', headers, body: eventOf() })
      expect((await receiver.fetch(request)).status, form).toBe(200)
    }
  },
  '"using callId" (Webhooks, the overview)': async () => {
    const types = ['call.started', 'call.ended'].map((eventType) => eventOf({}, { eventType, ...at }))
    expect(await seenOf(types, ({ event }) => event.type)).toHaveLength(2)
  },
  'webhook:${event.callId}:${event.eventType}:${event.timestamp}': async () => {
    const updates = ['a', 'b', 'b'].map((text) =>
      eventOf({ text }, { eventType: 'transcription.update', ...at }),
    )
    expect(await seenOf(updates, ({ event }) => event.key)).toHaveLength(2)
  },
  'await redis.exists(eventKey)': async () => {
    expect(await seenOf(Array<string>(10).fill(eventOf()), () => 1)).toHaveLength(1)
  },
  'await Promise.race([processEvent(event), timeoutPromise])': async () => {
    const told: string[] = []
    const late = gate()
    const receiver = createReceiver({
      auth: 'none',
      deadlineMs: soonMs,
      log: ({ event, reason = '' }) => {
        told.push(`${event} ${reason}`)
        if (event === 'late') late.open()
      },
      on: { '*': ({ signal }) => aborted(signal) },
    })
    const request = new Request('http://app/', { method: 'POST', body: eventOf() })
    expect((await receiver.fetch(request)).status).toBe(503)
    await late.passed
    expect(told.sort()).toEqual(['failed deadline', 'late done'])
  },
  'const { timestamp } = event.data': async () => {
    const bare = eventOf({ transcription: [], outcomeResult: { application_id: '12345' } }, at)
    expect(await seenOf([bare], ({ event, call }) => [event.occurredAt, event.issues, call.endedAt])).toEqual(
      [[at.timestamp, [], at.timestamp]],
    )
  },
  '} = event.data.data': async () => {
    const flat = JSON.stringify({
      event_type: 'call_end',
      caller_info: { call_id: 'c' },
      data: { conversationId: 'x' },
    })
    expect(
      await seenOf([flat], ({ event, call }) => [
        event.type,
        event.data['conversationId'],
        call.conversationId,
      ]),
    ).toEqual([['call.ended', 'x', 'x']])
  },
  'transcription.map(turn => …)': async () => {
    const turns = [{ agent: 'Hello!' }, { user: 'Hi.' }]
    expect(await seenOf([eventOf({ transcription: turns })], ({ event }) => transcriptText(event))).toEqual([
      'Agent: Hello!\nUser: Hi.',
    ])
    expect(await seenOf([eventOf()], ({ event }) => transcriptText(event))).toEqual([''])
  },
  'Object.values(turn)[0]': async () => {
    const turns = [{ metadata: { gender: 'f' }, User: 'Hi.' }]
    expect(await seenOf([eventOf({ transcription: turns })], ({ call }) => call.transcriptText)).toEqual([
      'User: Hi.',
    ])
  },
  'outcomeResult.noticePeriod || null': async () => {
    const outcomeResult = { text: '', number: 0, boolean: false, none: null }
    const fields = ['text', 'number', 'boolean', 'none', 'other']
    const look = ({ event }: HandlerContext): string[] => fields.map((field) => outcomeState(event, field))
    expect(await seenOf([eventOf({ outcomeResult })], look)).toEqual([
      ['value', 'value', 'value', 'null', 'absent'],
    ])
  },
  "outcomeResult.priority === 'urgent' || !outcomeResult.resolved": async () => {
    const outcomeResult = { priority: 'normal' }
    const look = ({ event, outcome }: HandlerContext): unknown[] => [
      outcome?.['resolved'] === false,
      outcomeState(event, 'resolved'),
    ]
    expect(await seenOf([eventOf({ outcomeResult })], look)).toEqual([[false, 'absent']])
  },
  'const { outcomeResult, callDuration } = event.data.data': async () => {
    const bodies = [eventOf({ callDuration: 125 }), eventOf()]
    expect(await seenOf(bodies, ({ call }) => call.durationSeconds)).toEqual([125, null])
  },
  'const applicationId = outcomeResult.application_id': async () => {
    const look = ({ event }: HandlerContext): unknown => echoed(event, ['application_id', 'user_id'])
    expect(await seenOf([eventOf({ outcomeResult: { user_id: 'u' } })], look)).toEqual([
      { values: { user_id: 'u' }, missing: ['application_id'] },
    ])
  },
}

/** Those that other tests hold: of the adapters, the dedupe, the queue, the table above; and what is not ours. */
const heldElsewhere = [
  'app.use(express.json())',
  'if (!verifyToken(req))',
  "require('redis').createClient()",
  '// Still return 200 to avoid retries',
  "const Queue = require('bull')",
  "res.status(500).json({ error: 'Failed to queue event' })",
  "console.error('Full payload:', JSON.stringify(req.body, null, 2))",
  '"outcomeResult": { // Your echoed params + collected data',
  '{ "agentId": "agent-123-abc", "params": … }',
]

describe("the guide's sample, line by line", () => {
  const lines = rowsUnder(page, "The guide's sample, line by line").map(([line = '']) => {
    const code =
      /``\s`(.*)`\s``/.exec(line)?.[1] ?? /<code>(.*)<\/code>/.exec(line)?.[1] ?? codesIn(line)[0] ?? line
    return code.replaceAll('&#124;', '|')
  })

  test('every line has a test', () => {
    expect(lines.sort()).toEqual([...Object.keys(claims), ...heldElsewhere].sort())
  })

  test.each(Object.entries(claims))('%s', async (_line, claim) => {
    await claim()
  })
})
