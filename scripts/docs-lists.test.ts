import { tmpdir } from 'node:os'
import { basename } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fieldNames, type FieldName } from '../packages/events/src/facts/field-names.ts'
import {
  foldCall,
  ingestAnswers,
  invalidPayload,
  readEnvelope,
  readFacts,
  showCall,
  type IngestErrorCode,
} from '../packages/events/src/index.ts'
import type { StoreStats } from '../packages/core/src/index.ts'
import type { ApiOptions } from '../packages/server/src/api/app.ts'
import { createApi } from '../packages/server/src/api/create-api.ts'
import { apiErrors } from '../packages/server/src/api/errors.ts'
import { configWebhookFields } from '../packages/server/src/agents/agent-fields.ts'
import { configSchema, retentionSchema, sourceSchema } from '../packages/server/src/config/config-schema.ts'
import { resolveConfig } from '../packages/server/src/config/resolve-config.ts'
import { configFields } from '../packages/server/src/destinations/destination-fields.ts'
import { readEnvironment } from '../packages/server/src/environment.ts'
import { createMetrics } from '../packages/server/src/observe/metrics.ts'
import { amountOf, constantIn, namesIn, sourceOf } from './constant-reader.ts'
import { codesIn, fencesOf, firstCodes, readPage, rowsUnder, sectionOf } from './page-reader.ts'
import { listFiles, repositoryRoot } from './repository.ts'

// The lists and tables of the pages, held to the code: what is added, renamed or changed there fails here by name.

const configuration = 'docs/configuration.md'
const operations = 'docs/operations.md'
const http = 'docs/http.md'
const events = 'docs/events.md'

describe('configuration.md', () => {
  test('lists the variables that are read, with their defaults', () => {
    const read = new Set<string>()
    const nothing = new Proxy<NodeJS.ProcessEnv>(
      {},
      {
        get: (_target, name) => {
          read.add(String(name))
          return undefined
        },
      },
    )
    const environment = readEnvironment(nothing, tmpdir())
    const rows = rowsUnder(configuration, 'Environment')
    expect(firstCodes(rows).sort()).toEqual([...read].sort())
    const defaults = Object.fromEntries(
      rows.map(([name = '', value = '']) => [name.replaceAll('`', ''), value]),
    )
    expect(defaults).toMatchObject({
      PORT: String(environment.port),
      HOST: environment.host,
      HOOKSWITCH_DATA_DIR: `\`${basename(environment.dataDir)}\``,
      LOG_LEVEL: environment.logLevel,
    })
  })

  test('lists the keys of the config file', () => {
    expect(Object.keys(configSchema.shape)).toEqual(['sources', 'agents', 'destinations', 'retention'])
    const ofSource = Object.keys(sourceSchema.shape).map((key) => `sources.<name>.${key}`)
    let ofAgent: string[] = []
    try {
      resolveConfig({ agents: { agent: { notAKeyOfAnAgent: 1 } } } as never)
    } catch (error) {
      const [, known = ''] = /expected one of (.*)/.exec((error as Error).message) ?? []
      ofAgent = known.split(', ').map((key) => `agents.<id>.${key}`)
    }
    const ofWebhook = Object.keys(configWebhookFields.shape).map((key) => `agents.<id>.webhook.${key}`)
    const ofDestination = Object.keys(configFields.shape).map((key) => `destinations[].${key}`)
    const ofRetention = Object.keys(retentionSchema.shape).map((key) => `retention.${key}`)
    const named = [...ofSource, ...ofAgent, ...ofWebhook, ...ofDestination, ...ofRetention]
    const known = ['sources.<name>', 'agents.<id>', ...named]
    expect(firstCodes(rowsUnder(configuration, 'The config file')).sort()).toEqual(known.sort())
  })
})

describe('operations.md', () => {
  test('lists the metrics, with type and labels', async () => {
    const metrics = createMetrics({
      bounds: () => Promise.resolve({ oldestSeq: 0, newestSeq: 0, foldedSeq: 0, oldestUnfoldedAt: null }),
      stats: () => Promise.resolve({ bytes: 0, freeBytes: 0 } as StoreStats),
      deliveries: () => Promise.resolve({ destinations: [], countedMax: 0 }),
      inFlightBytes: () => 0,
      streams: () => 0,
      clock: () => 0,
    })
    const arrival = { source: 'hamsa', address: '', bytes: 0, ms: 0 }
    const event = { type: 'call.ended', callId: '', id: '', collision: false }
    metrics.arrival({ ...arrival, ...event, result: 'accepted', status: 200 })
    metrics.arrival({ ...arrival, result: 'rejected', status: 401, reason: 'secret_missing', detail: null })
    metrics.published({ ...event, source: '', bytes: 0, ms: 0 })
    const place = { destination: '', kind: 'webhook', event: null, delivery: '', replay: false, attempt: 1 }
    const said = { verdict: 'delivered', outcome: 'delivered', status: 200, cause: null } as const
    metrics.delivery({ ...place, ...said, ms: 1, sinceReceivedMs: 1, written: true })
    const { text } = await metrics.page()
    const found = [...text.matchAll(/^# TYPE (hookswitch_\w+) (\w+)$/gm)].map(([, name = '', type = '']) => {
      const [, labels = ''] = new RegExp(`^${name}(?:_count)?\\{(.*)\\}`, 'm').exec(text) ?? []
      return [name, type, [...labels.matchAll(/(\w+)=/g)].map(([, label]) => label)]
    })
    const listed = rowsUnder(operations, 'Metrics').map(([name = '', type = '', labels = '']) => {
      return [name.replaceAll('`', ''), type, codesIn(labels)]
    })
    expect(listed).toEqual(found)

    const known = new Set(found.map(([name]) => name))
    const [rules] = fencesOf(sectionOf(operations, 'Metrics'), 'yaml')
    const asked = [...(rules?.text ?? '').matchAll(/hookswitch_[a-z_]+/g)].map(([name]) => {
      return name.replace(/_bucket$/, '')
    })
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.filter((name) => !known.has(name))).toEqual([])
  })

  test('lists the lines of the log, with their levels', () => {
    const said = new Map<string, string>([
      // Said by the result of an arrival, or of a try.
      ...['accepted', 'duplicate', 'delivered', 'filtered', 'returned'].map(
        (name) => [name, 'info'] as const,
      ),
      ...['dead', 'parked', 'held'].map((name) => [name, 'warn'] as const),
    ])
    const files = listFiles(repositoryRoot).filter((file) =>
      /^packages\/server\/src\/.*(?<!\.test)\.ts$/.test(file),
    )
    for (const file of files) {
      const source = sourceOf(file)
      for (const [, level = '', given = ''] of source.matchAll(
        /\b(?:log|logger)\s*\.(info|warn|error|fatal)\(([\s\S]*?)\),?\n/g,
      )) {
        const message = [...given.matchAll(/'([^']*)'/g)].at(-1)?.[1]
        if (message !== undefined) said.set(message, level)
      }
      // Of the threads that run user code, which cannot write to the log themselves.
      for (const [, level = '', message = ''] of source.matchAll(
        /level: '(info|warn|error)'[^\n]*\bmessage: '([^']+)'/g,
      )) {
        said.set(message, level)
      }
      for (const [, message = '', level = ''] of source.matchAll(
        /const message = '([^']+)'\n\s*(?:log|say)\((?:\{ said: )?\{ level: '(\w+)'/g,
      )) {
        said.set(message, level)
      }
      for (const [, message = ''] of source.matchAll(/sayStray\('([^']+)'/g)) said.set(message, 'warn')
    }
    const listed = rowsUnder(operations, 'The log').map(([message = '', level = '']) => {
      return [message.replaceAll('`', ''), level] as const
    })
    expect(new Map(listed)).toEqual(said)
  })

  test('states the limits that the code has', () => {
    const rows = rowsUnder(operations, 'Limits').filter(([, , , constant]) => constant !== '')
    expect(rows.length).toBeGreaterThan(40)
    const stated = rows.map(([what = '', limit = '']) => `${what}: ${amountOf(limit)}`)
    const found = rows.map(([what = '', , , constant = '']) => {
      const [, name = '', file = ''] = /\[(.+)\]\(\.\.\/(.+)\)/.exec(constant) ?? []
      return `${what}: ${constantIn(file, name)}`
    })
    expect(stated).toEqual(found)
  })
})

describe('http.md', () => {
  test('lists what the ingest answers, for every reason', () => {
    const [, union = ''] =
      /export type Refusal =([\s\S]*?)\n\n/.exec(sourceOf('packages/core/src/receive/arrival.ts')) ?? []
    const reasons = [...union.matchAll(/'(\w+)'/g)].map(([, reason]) => reason)
    const [, record = ''] =
      /const codes: [^=]*= \{([\s\S]*?)\n\}/.exec(sourceOf('packages/core/src/receive/ingest.ts')) ?? []
    const codes = new Map([...record.matchAll(/(\w+): '(\w+)'/g)].map(([, reason, code]) => [reason, code]))

    const rows = rowsUnder(http, 'What it answers').map(([status = '', code = '', reason = '']) => {
      return { status, code: codesIn(code)[0], reason: codesIn(reason)[0] }
    })
    expect(new Set(rows.flatMap(({ reason }) => reason ?? []))).toEqual(new Set(reasons))
    // A sender that has gone is not answered, and what is not HTTP is answered by the listener.
    const answered = rows.filter(({ status, code }) => status !== '200' && code !== undefined)
    expect(answered.length).toBeGreaterThan(10)
    for (const { status, code, reason } of answered) {
      expect(code, reason).toBe(codes.get(reason))
      expect(status, reason).toBe(String(statusOf(code as IngestErrorCode)))
    }
  })

  test('lists the errors of the API', () => {
    const listed = rowsUnder(http, 'Errors').map(([status, code = '']) => [codesIn(code)[0], Number(status)])
    expect(listed).toEqual(Object.entries(apiErrors).map(([code, { status }]) => [code, status]))
  })

  test('lists the routes of the API, the filters of the calls and the fields of a secret', async () => {
    const api = createApi({ isAdmin: () => true } as unknown as ApiOptions)
    const document = (await (await api.request('/api/v1/openapi.json')).json()) as {
      paths: Record<string, Record<string, Operation>>
      components: { schemas: Record<string, { properties: Record<string, { enum?: string[] }> }> }
    }
    const routes = Object.entries(document.paths).flatMap(([path, methods]) => {
      return Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`)
    })
    expect(firstCodes(rowsUnder(http, 'The API')).sort()).toEqual(routes.sort())

    const filters = document.paths['/calls']?.['get']?.parameters?.map(({ name }) => name)
    const listed = firstCodes(rowsUnder(http, 'Calls')).map((name) => name.replace('.<field>', ''))
    expect(listed.sort()).toEqual(filters?.sort())

    const fieldsOf = (path: string): string[] => {
      const body = document.paths[path]?.['post']?.requestBody
      return Object.keys(body?.content['application/json'].schema.properties ?? {}).sort()
    }
    expect(firstCodes(rowsUnder(http, 'Secrets')).sort()).toEqual(fieldsOf('/sources/{source}/secrets'))
    expect(firstCodes(rowsUnder(http, 'Destinations')).sort()).toEqual(fieldsOf('/destinations'))
    const replayed = document.paths['/replays']?.['post']?.requestBody?.content['application/json'].schema
    const { filter } = replayed?.properties ?? {}
    expect(firstCodes(rowsUnder(http, 'Replays')).sort()).toEqual(
      Object.keys(filter?.properties ?? {}).sort(),
    )
    const [lane] = fencesOf(sectionOf(http, 'Lanes'), 'json')
    const { Lane } = document.components.schemas
    expect(Object.keys(JSON.parse(lane?.text ?? '{}') as object)).toEqual(Object.keys(Lane?.properties ?? {}))
    const { state } = document.components.schemas['Explanation']?.properties ?? {}
    expect(firstCodes(rowsUnder(http, 'What became of an event')).sort()).toEqual(state?.enum?.sort())
  })
})

test('http.md lists the acts that are noted', () => {
  const files = listFiles(repositoryRoot).filter((file) =>
    /^packages\/server\/src\/api\/[\w-]+(?<!\.test)\.ts$/.test(file),
  )
  const noted = files.flatMap((file) =>
    [...sourceOf(file).matchAll(/\baction: '([\w.]+)'/g)].map(([, action = '']) => action),
  )
  const [listed = ''] = /^`action` is [^\n]*/m.exec(sectionOf(http, 'Who did what')) ?? []
  expect(codesIn(listed).slice(1).sort()).toEqual([...new Set(noted)].sort())
})

interface Shape {
  properties?: Record<string, unknown>
}

interface Operation {
  parameters?: { name: string }[]
  requestBody?: { content: { 'application/json': { schema: { properties: Record<string, Shape> } } } }
}

function statusOf(code: IngestErrorCode): number {
  return code === 'invalid_payload' ? invalidPayload([]).status : ingestAnswers[code].status
}

describe('events.md', () => {
  test('lists the types and what else they are written as', () => {
    const source = sourceOf('packages/events/src/wire/envelope.ts')
    const known = [...source.matchAll(/\['(\w+)', '([\w.]+)'\]/g)].map(([, alias = '', type = '']) => {
      return [alias, type] as const
    })
    const listed = rowsUnder(events, 'Types').flatMap(([type = '', aliases = '']) => {
      return codesIn(aliases).map((alias) => [alias, codesIn(type)[0] ?? ''] as const)
    })
    expect(new Map(listed)).toEqual(new Map(known))
    for (const [alias, type] of known) {
      expect(readEnvelope({ event_type: alias, call_id: 'call' })).toMatchObject({ envelope: { type } })
    }
  })

  test('lists the names of every fact, in the order in which they are believed', () => {
    const scopes = { any: 'any event', event: 'call events', end: '`call.ended`' }
    const groups = new Map<number, { name: string; entry: FieldName }[]>()
    for (const [name, entry] of fieldNames) {
      // Its form in snake_case follows from it.
      if (name.includes('_')) continue
      const row = Math.floor(entry.rank / 10)
      groups.set(row, [...(groups.get(row) ?? []), { name, entry }])
    }
    const known = [...groups.values()].map((group) => {
      const { reading, scope } = (group[0] as { entry: FieldName }).entry
      const names = group.map(({ name }) => name)
      return [reading.field, names, readAs(reading), scopes[scope]]
    })
    const listed = rowsUnder(events, 'Facts about the call').map(([field = '', names = '', kind, scope]) => {
      return [codesIn(field)[0], codesIn(names), kind, scope]
    })
    expect(listed).toEqual(known)
  })

  test('lists the names of outcome, params, tools and turns', () => {
    const facts = 'packages/events/src/facts'
    const known = [
      ['read-facts.ts', 'outcomeNames'],
      ['read-facts.ts', 'paramsNames'],
      ['tool.ts', 'nameNames'],
      ['tool.ts', 'inputNames'],
      ['tool.ts', 'outputNames'],
      ['tool.ts', 'durationNames'],
      ['tool.ts', 'timeNames'],
      ['transcript.ts', 'listNames'],
      ['transcript.ts', 'speakerNames'],
      ['transcript.ts', 'textNames'],
    ].map(([file = '', constant = '']) => namesIn(`${facts}/${file}`, constant))
    const listed = rowsUnder(events, 'Outcome, params, tools, turns').map(([, names = '']) => codesIn(names))
    expect(listed).toEqual(known)
  })

  test('has a rule for every field of a call record', () => {
    const body = { eventType: 'call.ended', callId: 'call' }
    const reading = readEnvelope(body)
    if (!reading.ok) throw new Error('the envelope is refused')
    const { envelope } = reading
    const event = { seq: 1, receivedAt: 0, source: 'hamsa', envelope, facts: readFacts(envelope, body) }
    const { head, put } = foldCall(null, [event])
    const listed = firstCodes(rowsUnder(events, 'The call record'))
    expect(listed.sort()).toEqual(Object.keys(showCall(head, put)).sort())
  })
})

function readAs(reading: FieldName['reading']): string {
  if (reading.kind === 'url') return 'URL'
  if (reading.kind === 'seconds') return reading.perSecond === 1 ? 'seconds' : 'milliseconds'
  return reading.kind
}

test('the pages name no reason, metric or code that is not there - a reader greps for them', () => {
  const known = new Set([
    ...rowsUnder(http, 'What it answers').flatMap((row) => codesIn(row.join(' '))),
    ...Object.keys(apiErrors),
  ])
  const reasons = /`((?:secret|store|too_much|address|signature)_[a-z_]+)`/g
  for (const page of [configuration, operations, http, events]) {
    const named = [...readPage(page).matchAll(reasons)].map(([, name = '']) => name)
    expect(
      named.filter((name) => !known.has(name)),
      page,
    ).toEqual([])
  }
})
