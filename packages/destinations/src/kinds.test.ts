import { expect, test } from 'vitest'
import { z } from 'zod'
import { destinationKinds } from './kinds.ts'

const kinds = [...destinationKinds.values()]

test('all kinds are there by their names', () => {
  const names = ['webhook', 'handler', 'slack', 'teams', 'discord', 'email', 'pagerduty']
  expect([...destinationKinds.keys()]).toEqual([...names, 'call-webhook'])
  // Nobody is offered what the server makes by itself.
  expect(kinds.filter(({ internal }) => internal).map(({ name }) => name)).toEqual(['call-webhook'])
})

test.each(kinds.map((kind) => [kind.name, kind] as const))(
  '%s keeps settings secret that it has - a name that is written wrong would be shown',
  (_name, { settings, secrets }) => {
    const { properties = {} } = z.toJSONSchema(settings, { io: 'input' })
    expect(Object.keys(properties)).toEqual(expect.arrayContaining([...secrets]))
  },
)

test.each(kinds.map((kind) => [kind.name, kind] as const))(
  '%s says how it is set up, and takes no setting that it does not know',
  (_name, { title, help, settings }) => {
    expect(title).toMatch(/^[A-Z]/)
    expect(help.length).toBeGreaterThan(80)
    const codes = settings.safeParse({ colour: 'red' }).error?.issues.map(({ code }) => code)
    expect(codes).toContain('unrecognized_keys')
  },
)
