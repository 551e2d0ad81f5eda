import { describe, expect, test } from 'vitest'
import { judgeStatus, retryPresets, type LaneRule, type RetryPreset } from '../packages/core/src/index.ts'
import { retryAfterWithinCap, retryDelayMs } from '../packages/core/src/deliver/retry.ts'
import { laneKey, lanePathProblem } from '../packages/core/src/route/lane-key.ts'
import { addressClasses } from '../packages/destinations/src/egress/address-class.ts'
import { foldCall, readEnvelope, readFacts } from '../packages/events/src/index.ts'
import type { ApiOptions } from '../packages/server/src/api/app.ts'
import { createApi } from '../packages/server/src/api/create-api.ts'
import { configSchema } from '../packages/server/src/config/config-schema.ts'
import { JsonataCode } from '../packages/server/src/user-code/jsonata-code.ts'
import { amountOf, constantIn, membersOf, sourceOf } from './constant-reader.ts'
import { codesIn, firstCodes, readPage, rowsUnder, sectionOf } from './page-reader.ts'

// What the pages about deliveries say, held to the code.

const destinations = 'docs/destinations.md'
const retries = 'docs/retries.md'
const ordering = 'docs/ordering.md'
const egress = 'docs/egress.md'
const privacy = 'docs/privacy.md'

const hourMs = 60 * 60 * 1000

describe('retries.md', () => {
  test('says what every status means', () => {
    const exact = new Map<string, string>()
    const classes = new Map<string, string>()
    for (const [answers = '', verdict = ''] of rowsUnder(retries, 'What an answer means')) {
      for (const code of codesIn(answers)) {
        const known = code.endsWith('xx') ? classes : exact
        known.set(code, codesIn(verdict)[0] ?? '')
      }
    }
    const said = (status: number): string | undefined =>
      exact.get(String(status)) ?? classes.get(`${Math.floor(status / 100)}xx`)
    const statuses = Array.from({ length: 500 }, (_, index) => index + 100)
    expect(statuses.filter((status) => said(status) !== judgeStatus(status))).toEqual([])
  })

  test('names every cause and every reason of a hold', () => {
    const causes = membersOf('packages/core/src/deliver/failure.ts', 'FailureCause')
    expect(firstCodes(rowsUnder(retries, 'When there is no answer')).sort()).toEqual(causes.sort())
    const reasons = membersOf('packages/core/src/deliver/destination.ts', 'HoldReason')
    expect(firstCodes(rowsUnder(retries, 'Holds')).sort()).toEqual(reasons.sort())
  })

  test('has the presets with all their waits', () => {
    const said = rowsUnder(retries, 'How long it waits').map(([preset = '', tries, waits = '', sum = '']) => {
      const listed = waits === '–' ? [] : waits.split(', ').map(amountOf)
      return { preset: codesIn(preset)[0], tries: Number(tries), waits: listed, sum }
    })
    const known = Object.entries(retryPresets).map(([preset, waits]) => {
      const sumMs = waits.reduce((one, other) => one + other, 0)
      const inHours = `${Math.round(sumMs / hourMs)} h`
      const inSeconds = `${Math.round(sumMs / 1000)} s`
      const sum = sumMs === 0 ? '–' : sumMs > hourMs ? inHours : inSeconds
      return { preset, tries: waits.length + 1, waits, sum }
    })
    expect(said).toEqual(known)
  })

  test('says how much is added to a wait, and how long a Retry-After counts', () => {
    const section = sectionOf(retries, 'How long it waits')
    const policy = { delaysSeconds: [100] }
    const [least, most] = [0, 1].map((random) => Number(retryDelayMs(policy, 1, null, () => random)))
    expect(least).toBe(100_000)
    expect(section).toContain(`up to ${Math.round(Number(most) / 1000) - 100} %`)
    const capOf = (preset: RetryPreset): number =>
      Number(retryAfterWithinCap({ preset }, Number.MAX_SAFE_INTEGER)) / hourMs
    expect(section).toContain(`up to ${capOf('quick')} h, with \`standard\` up to ${capOf('standard')} h`)
  })
})

describe.each([
  [retries, 'The circuit breaker'],
  [egress, 'What is kept of an answer'],
])('%s', (page, heading) => {
  test(`"${heading}" states the numbers that the code has`, () => {
    const rows = rowsUnder(page, heading)
    const stated = rows.map(([what = '', number = '']) => `${what}: ${amountOf(number)}`)
    const found = rows.map(([what = '', , constant = '']) => {
      const [, name = '', file = ''] = /\[(.+)\]\(\.\.\/(.+)\)/.exec(constant) ?? []
      return `${what}: ${constantIn(file, name)}`
    })
    expect(stated).toEqual(found)
  })
})

describe('ordering.md', () => {
  test('says what each rule makes of an event', () => {
    const value = { eventType: 'call.ended', callId: 'call_1', data: { userNumber: '+12025550143' } }
    const reading = readEnvelope(value)
    if (!reading.ok) throw new Error('the envelope is refused')
    const { envelope } = reading
    const read = { envelope, facts: readFacts(envelope, value) }
    const { head } = foldCall(null, [{ seq: 1, receivedAt: 0, source: 'hamsa', ...read }])
    const body = Buffer.from(JSON.stringify(value))
    const event = { id: 'evt_1', seq: 1, source: 'hamsa', callId: 'call_1', type: 'call.ended', body }
    const rows = rowsUnder(ordering, 'Lanes')
    expect(rows).toHaveLength(4)
    for (const [rule = '', , key = ''] of rows) {
      const lane = JSON.parse(codesIn(rule)[0] ?? '') as LaneRule
      expect(laneKey(lane, { event, head }), rule).toBe(codesIn(key)[0])
    }
    expect(laneKey({ path: 'call.userNumber' }, { event, head: null })).toBe('call:call_1')
  })

  test('names every path', () => {
    const expected = lanePathProblem('') ?? ''
    const paths = [...expected.matchAll(/(?:call|event)\.[\w…]+/g)].map(([path]) => path)
    expect(paths.length).toBeGreaterThan(8)
    const [listed = ''] = /A path leads[^\n]*/.exec(readPage(ordering)) ?? []
    const named = codesIn(listed).map((path) => path.replace(/^event\.body\..*/, 'event.body'))
    expect(new Set(named)).toEqual(new Set([...paths, 'event.callId']))
    for (const path of codesIn(listed)) expect(lanePathProblem(path), path).toBeNull()
  })
})

test('egress.md lists what deliveries may not reach', () => {
  const listed = rowsUnder(egress, 'The rules').map(([name = '', ranges = '']) => [name, codesIn(ranges)])
  const known = new Map<string, string[]>()
  for (const { name, ranges } of addressClasses) known.set(name, [...(known.get(name) ?? []), ...ranges])
  expect(listed).toEqual([...known])
})

describe('privacy.md', () => {
  test('says of every table of the store what is in it', () => {
    const schemas = ['sqlite', 'postgres'].map((engine) => {
      const source = sourceOf(`packages/store-sql/src/${engine}/schema.ts`)
      return [...source.matchAll(/CREATE TABLE (?:hookswitch\.)?(\w+)/g)].map(([, name = '']) => name)
    })
    const known = [...new Set(schemas.flat())]
    expect(firstCodes(rowsUnder(privacy, 'What is stored')).sort()).toEqual(known.sort())
  })

  test('has the defaults of what is kept how long', () => {
    const { retention } = configSchema.parse({})
    const listed = rowsUnder(privacy, 'How long it is kept').map(([key = '', value = '']) => {
      return [codesIn(key)[0], JSON.parse(value.replaceAll('`', '')) as unknown]
    })
    expect(Object.fromEntries(listed)).toEqual(retention)
  })
})

interface Kind {
  name: string
  title: string
  help: string
  secrets: string[]
  template: string | null
  settings: { properties: Record<string, { default?: unknown }>; required?: string[] }
}

describe('destinations.md', async () => {
  const app = createApi({ isAdmin: () => true } as unknown as ApiOptions)
  const { items: kinds } = (await (await app.request('/api/v1/destination-kinds')).json()) as {
    items: Kind[]
  }

  test('lists the kinds, with what their templates return', () => {
    const listed = rowsUnder(destinations, 'Kinds').map(([kind = '', title, , template]) => {
      return [codesIn(kind)[0], title, template]
    })
    const known = kinds.map(({ name, title, template }) => [name, title, template ?? 'it takes none'])
    expect(listed).toEqual(known)
  })

  test.each(kinds)('$name: how it is set up, and its settings', ({ name, help, settings, secrets }) => {
    expect(sectionOf(destinations, name)).toContain(help.split('\n').join(' '))
    const known = Object.entries(settings.properties).map(([setting, { default: value }]) => {
      const byDefault = value === undefined ? '–' : `\`${JSON.stringify(value)}\``
      const isRequired = settings.required?.includes(setting) ?? false
      return [setting, isRequired ? 'required' : byDefault, secrets.includes(setting) ? 'yes' : 'no']
    })
    const listed = rowsUnder(destinations, name).map(([setting = '', value, isSecret]) => {
      return [codesIn(setting)[0], value, isSecret]
    })
    expect(listed).toEqual(known)
  })

  test('says which filters take what is absent, null, false and true - the traps are these', async () => {
    const outcomes = [{}, { resolved: null }, { resolved: false }, { resolved: true }]
    const code = new JsonataCode({ currentRun: () => undefined, turn: () => Promise.resolve() })
    const asked = async (filter: string, outcome: unknown): Promise<string> => {
      const context = { event: {}, call: {}, outcome }
      if (!filter.startsWith('(')) return code.run(filter, context, 'filter')
      // oxlint-disable-next-line no-eval
      const made = (0, eval)(filter) as (given: unknown) => unknown
      return String(Boolean(made(context)))
    }
    const rows = rowsUnder(destinations, 'Absent, null, value')
    expect(rows.length).toBeGreaterThan(5)
    for (const [filter = '', ...said] of rows) {
      const answers = await Promise.all(outcomes.map((outcome) => asked(codesIn(filter)[0] ?? '', outcome)))
      expect(
        answers.map((answer) => (answer === 'true' ? 'yes' : 'no')),
        filter,
      ).toEqual(said)
    }
  })
})
