import { handler, webhook } from '@hookswitch/destinations/config'
import { describe, expect, test } from 'vitest'
import { defineConfig, type HookswitchConfig } from './config.ts'
import { ConfigurationError } from './configuration-error.ts'
import { resolveConfig } from './resolve-config.ts'

/** What people write who do not use the types. */
function problemsOf(config: unknown): readonly string[] {
  try {
    resolveConfig(config as HookswitchConfig)
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems
    throw error
  }
  return []
}

const url = 'https://crm.example/hook'

/** A webhook with something else in it. */
function problemsWith(given: Record<string, unknown>): readonly string[] {
  return problemsOf({ destinations: [{ name: 'crm', kind: 'webhook', settings: { url }, ...given }] })
}

describe('destinations', () => {
  test('with nothing but a name and settings every field is filled', () => {
    const { destinations } = resolveConfig({ destinations: [webhook({ name: 'crm', settings: { url } })] })
    expect(destinations.map(({ definition, secrets }) => ({ definition, secrets }))).toEqual([
      {
        definition: {
          name: 'crm',
          kind: 'webhook',
          events: null,
          scope: { sources: null, agents: null },
          filter: null,
          template: null,
          lane: 'call',
          onExhausted: 'continue',
          retry: { preset: 'standard' },
          limits: { concurrency: 10, perSecond: null },
          settings: { url, timeoutSeconds: 5 },
        },
        secrets: {},
      },
    ])
  })

  test('secrets are apart from the definition, and functions are named in it', () => {
    const filter = (): boolean => true
    const run = (): void => {}
    const config = defineConfig({
      destinations: [
        webhook({
          name: 'crm',
          events: ['call.ended', 'call_end', 'custom.type'],
          scope: { agents: ['agent-1'] },
          filter,
          template: '{ "id": event.id }',
          lane: { path: 'call.userNumber' },
          onExhausted: 'park',
          retry: { delaysSeconds: [1, 2.5] },
          limits: { concurrency: 1, perSecond: 0.5 },
          settings: { url, authKey: 'Bearer', authSecret: 'very-secret' },
        }),
        handler({ name: 'own', run }),
      ],
    })
    const [crm, own] = resolveConfig(config).destinations
    expect(crm).toMatchObject({
      definition: {
        // As the ingest reads them: `call_end` is what some agents send for the same.
        events: ['call.ended', 'custom.type'],
        scope: { sources: null, agents: ['agent-1'] },
        filter: { function: true },
        template: { jsonata: '{ "id": event.id }' },
        lane: { path: 'call.userNumber' },
        onExhausted: 'park',
        retry: { delaysSeconds: [1, 2.5] },
        limits: { concurrency: 1, perSecond: 0.5 },
        settings: { url, authKey: 'Bearer' },
      },
      secrets: { authSecret: 'very-secret' },
    })
    expect(JSON.stringify(crm?.definition)).not.toContain('very-secret')
    expect(own).toMatchObject({ definition: { kind: 'handler', filter: null }, secrets: {} })
  })

  const crm = 'hookswitch.config.ts: destination "crm": '

  test.each<[Record<string, unknown>, string | RegExp]>([
    [{ nmae: 'x' }, `${crm}nmae is not a known key, did you mean name?`],
    [{ kind: 'webhok' }, `${crm}kind is "webhok", did you mean webhook?`],
    [{ kind: 'fax' }, /^.*kind is "fax", expected one of webhook, handler/],
    [{ kind: undefined }, `${crm}kind is undefined, expected the name of a kind, such as webhook`],
    [{ events: [] }, `${crm}events is a list, expected at least one event type, or nothing for all`],
    [{ events: ['call.ended', 'ü'] }, /events\[1\] is "ü", expected an event type such as call\.ended/],
    [{ events: 'call.ended' }, /events is "call\.ended", expected a list of event types$/],
    [{ scope: { agent: ['a'] } }, `${crm}scope.agent is not a known key, did you mean agents?`],
    [{ scope: { agents: [] } }, /scope\.agents is a list, expected at least one of the agents/],
    [{ scope: { sources: [''] } }, /scope\.sources\[0\] is "", expected a text of 1 to 200 characters$/],
    [{ filter: 'event.(' }, /^.*"crm": filter is not JSONata, at line 1, column \d+: ./],
    [{ template: '{\n  "a": [1\n}' }, /^.*"crm": template is not JSONata, at line 3, column 1: ./],
    [{ filter: 5 }, `${crm}filter is 5, expected a function, or JSONata as text`],
    [{ filter: `"${'x'.repeat(20_000)}"` }, `${crm}filter has 20002 bytes, expected at most 16384`],
    [
      { lane: 'agent' },
      `${crm}lane is "agent", expected call, destination, none or { "path": "call.userNumber" }`,
    ],
    [{ lane: { path: 'call.transcript' } }, /lane\.path is "call\.transcript", expected a path of the call/],
    [{ onExhausted: 'stop' }, `${crm}onExhausted is "stop", expected continue or park`],
    [{ retry: 'quick' }, /retry is "quick", expected \{ "preset": "standard" \} or/],
    [{ retry: { preset: 'fast' } }, `${crm}retry.preset is "fast", expected none, quick, guide or standard`],
    [{ retry: {} }, `${crm}retry is an object, expected either preset or delaysSeconds in it`],
    [{ retry: { preset: 'quick', delaysSeconds: [] } }, /expected either preset or delaysSeconds/],
    [
      { retry: { delaysSeconds: [1, -1] } },
      /retry\.delaysSeconds\[1\] is -1, expected a number of seconds from 0/,
    ],
    [{ retry: { delaysSeconds: Array(51).fill(1) } }, /delaysSeconds is a list, expected at most 50 waits$/],
    [{ limits: { concurrency: 0 } }, `${crm}limits.concurrency is 0, expected a whole number from 1 to 1000`],
    [{ limits: { concurrency: 1.5 } }, /limits\.concurrency is 1\.5, expected/],
    [
      { limits: { perSecond: 0 } },
      /limits\.perSecond is 0, expected a number of sends above 0 and up to 10000/,
    ],
    [{ limits: { perSecnd: 1 } }, `${crm}limits.perSecnd is not a known key, did you mean perSecond?`],
    [{ settings: 'very-secret' }, `${crm}settings is a string, expected an object of settings`],
    [{ settings: {} }, /settings\.url is undefined, expected a URL such as https:\/\/example\.com\/hook$/],
    [
      { settings: { url: 'ftp://a' } },
      `${crm}settings.url is "ftp://a", expected a URL such as https://example.com/hook`,
    ],
    [
      { settings: { url: 'ftp://user:very-secret@a/?token=very-secret' } },
      /settings\.url is "ftp:\/\/…@a\/\?…", expected/,
    ],
    [
      { settings: { url, authSecret: undefined } },
      /settings\.authSecret is undefined, expected .*; is a variable of the environment not set\?$/,
    ],
    [{ settings: { url, authSecret: 'very-secret\n' } }, /settings\.authSecret is a string, expected/],
    [
      { settings: { url, headers: { 'X Y': 'very-secret' } } },
      /settings\.headers\["X Y"\] is not a valid name/,
    ],
    [
      { settings: { url, signingSecrets: ['very-secret'] } },
      /settings\.signingSecrets\[0\] is a string, expected/,
    ],
    [
      { settings: { url, authScret: 'very-secret' } },
      `${crm}settings.authScret is not a known key, did you mean authSecret?`,
    ],
    [{ run: () => {} }, `${crm}run is given, expected none: only a handler has it`],
    [
      { kind: 'handler', settings: {} },
      `${crm}run is missing, expected the function that is called with each event`,
    ],
    [{ kind: 'handler', settings: {}, run: 'x' }, /run is a string, expected the function/],
    [
      { kind: 'handler', settings: {}, run: () => {}, template: '1' },
      `${crm}template is given, expected none: a handler takes no template`,
    ],
  ])('%j is refused', (given, message) => {
    const problems = problemsWith(given)
    expect(problems).toEqual([typeof message === 'string' ? message : expect.stringMatching(message)])
    expect(problems.join()).not.toContain('very-secret')
  })

  test.each([undefined, 5, 'Crm', 'a b', '-a', 'x'.repeat(65)])('%j is no name', (name) => {
    expect(problemsOf({ destinations: [{ name, kind: 'webhook', settings: { url } }] })).toEqual([
      expect.stringMatching(
        /^hookswitch\.config\.ts: destinations\[0\]\.name is .*, expected 1 to 64 of lower case a-z/,
      ),
    ])
  })

  test('a destination without a name is said by its place', () => {
    expect(problemsOf({ destinations: [{}, 'webhook'] })).toEqual([
      expect.stringMatching(/: destinations\[0\]\.name is undefined/),
      expect.stringMatching(/: destinations\[0\]\.kind is undefined/),
      expect.stringMatching(/: destinations\[1\] is "webhook", expected a destination, as webhook\(/),
    ])
  })

  test('two of the same name are refused - the name is what they are found again by', () => {
    const same = webhook({ name: 'crm', settings: { url } })
    expect(problemsOf({ destinations: [same, webhook({ name: 'b', settings: { url } }), same] })).toEqual([
      'hookswitch.config.ts: destinations[2].name is "crm", the name of destinations[0], expected one of its own',
    ])
  })

  test('all problems of a destination come at once, those of its settings too', () => {
    expect(
      problemsWith({ lane: 1, limits: { concurrency: 0 }, filter: '(', settings: { url: 1 } }),
    ).toHaveLength(4)
  })
})

describe('retention', () => {
  test('attempts are kept for 30 days, everything else for good', () => {
    expect(resolveConfig({}).retention).toEqual({
      attemptsDays: 30,
      transcriptsDays: null,
      recordsDays: null,
      eventsDays: null,
    })
    expect(resolveConfig({ retention: { attemptsDays: null, eventsDays: 0.5 } }).retention).toMatchObject({
      attemptsDays: null,
      eventsDays: 0.5,
    })
  })

  test.each<[unknown, RegExp]>([
    [
      { eventsDays: 0 },
      /retention\.eventsDays is 0, expected a number of days above 0 and up to 36500, or null/,
    ],
    [{ recordsDays: -1 }, /retention\.recordsDays is -1, expected/],
    [{ transcriptsDays: '30' }, /retention\.transcriptsDays is "30", expected/],
    [{ attemptsDays: Infinity }, /retention\.attemptsDays is Infinity, expected/],
    [{ eventDays: 3 }, /retention\.eventDays is not a known key, did you mean eventsDays\?$/],
    [30, /retention is 30, expected an object$/],
    [{ recordsDays: 10 }, /retention\.recordsDays is 10 and shorter than eventsDays \(null, for good\)/],
    [{ recordsDays: 10, eventsDays: 20 }, /recordsDays is 10 and shorter than eventsDays \(20\)/],
  ])('%j is refused', (retention, message) => {
    expect(problemsOf({ retention })).toEqual([expect.stringMatching(message)])
  })
})
