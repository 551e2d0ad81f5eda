import { destinationKinds } from '@hookswitch/destinations'
import { expect, test } from 'vitest'
import { describeDestination, mergePatch } from './merge-patch.ts'
import { handlerKind, readDestination, type ResolvedDestination } from './read-destination.ts'

// What is the same for every kind; what is refused is shown with the config file and the API.

/** Settings of each kind with all its secrets. */
const settingsOf: Record<string, Record<string, unknown>> = {
  webhook: {
    url: 'https://crm.example/hook',
    authKey: 'Bearer',
    authSecret: 'secret-1',
    headers: { 'x-key': 'secret-2' },
    signingSecrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
  },
  slack: { token: 'xoxb-secret', channel: '#calls' },
  teams: { url: 'https://teams.example/secret' },
  discord: { url: 'https://discord.example/api/webhooks/1/secret', username: 'calls' },
  email: { host: 'smtp.example', user: 'u', password: 'secret', from: 'a@example.com', to: 'b@example.com' },
  pagerduty: { routingKey: 'a'.repeat(32) },
}

const kinds = [...destinationKinds.values()]
  .filter(({ name, internal }) => name !== handlerKind && internal !== true)
  .map(({ name }) => name)

function read(given: unknown): ResolvedDestination {
  const reading = readDestination(given, 'api')
  if (!reading.ok) throw new Error(JSON.stringify(reading.issues))
  return reading.destination
}

test.each(kinds)(
  '%s: the definition is JSON without its secrets, and both together are the settings',
  (kind) => {
    const given = settingsOf[kind] ?? {}
    const { definition, secrets, kind: found, settings } = read({ name: 'one', kind, settings: given })
    expect(JSON.parse(JSON.stringify(definition))).toEqual(definition)
    expect(Object.keys(secrets).length).toBeGreaterThan(0)
    expect(Object.keys(secrets).filter((name) => !found.secrets.includes(name))).toEqual([])
    expect(Object.keys(definition.settings).filter((name) => found.secrets.includes(name))).toEqual([])
    expect(found.settings.parse({ ...definition.settings, ...secrets })).toEqual(settings)
  },
)

test.each(kinds)(
  '%s: a change of nothing changes nothing - what is stored can be read as it is written',
  (kind) => {
    const { definition, secrets } = read({
      name: 'one',
      kind,
      events: ['call.ended'],
      scope: { agents: ['a'] },
      filter: 'true',
      limits: { perSecond: 2 },
      settings: settingsOf[kind],
    })
    const again = read(mergePatch(describeDestination(definition, secrets), {}))
    expect({ definition: again.definition, secrets: again.secrets }).toEqual({ definition, secrets })
  },
)

test('a kind that the server makes by itself is offered nowhere', () => {
  for (const origin of ['api', 'config'] as const) {
    const reading = readDestination({ name: 'one', kind: 'call-webhook', settings: {} }, origin)
    const messages = reading.ok ? [] : reading.issues.map(({ message }) => message)
    expect(messages).toEqual([expect.stringMatching(/^is "call-webhook", expected one of webhook, /)])
    expect(messages.join().match(/call-webhook/g), 'it is not among the known ones').toHaveLength(1)
  }
})

test('names of prototypes are settings like any other, and unknown ones', () => {
  const merged = mergePatch(
    { settings: { url: 'https://a.example' } },
    JSON.parse('{"settings":{"__proto__":{"polluted":true},"constructor":1}}') as Record<string, unknown>,
  )
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  const reading = readDestination({ name: 'one', kind: 'webhook', ...merged }, 'api')
  expect(reading.ok).toBe(false)
})
