import type { DestinationDefinition, StoredDestination } from '@hookswitch/core'
import { expect, test } from 'vitest'
import { ownDestinations } from './own-destinations.ts'

const definition = {
  name: 'crm',
  settings: { url: 'https://crm.example/' },
} as unknown as DestinationDefinition
const moved = { ...definition, settings: { url: 'https://other.example/' } }

const stored = (given: Partial<StoredDestination>): StoredDestination =>
  ({ key: 1, version: 1, origin: 'config', definition, ...given }) as StoredDestination

test('a node sends to what its own file says, and to what was made over the API - the rest is for nodes that know it', () => {
  const others: string[] = []
  const isOwn = ownDestinations([{ definition }], ({ definition: { name }, version }) => {
    others.push(`${name} ${version}`)
  })
  expect(isOwn(stored({ definition: structuredClone(definition) }))).toBe(true)
  expect(isOwn(stored({ key: 2, definition: { ...definition, name: 'new' } }))).toBe(false)
  expect(isOwn(stored({ key: 3, origin: 'api', definition: { ...definition, name: 'made' } }))).toBe(true)
  // Another node has another entry now, and then it has the same one again.
  for (let times = 0; times < 3; times += 1)
    expect(isOwn(stored({ version: 2, definition: moved }))).toBe(false)
  expect(isOwn(stored({ version: 3 }))).toBe(true)
  expect(others).toEqual(['new 1', 'crm 2'])
})
