import { BlockList } from 'node:net'
import { createEgress } from '@hookswitch/destinations'
import { discord, webhook } from '@hookswitch/destinations/config'
import { afterAll, expect, test } from 'vitest'
import { ConfigurationError } from '../config/configuration-error.ts'
import { resolveConfig } from '../config/resolve-config.ts'
import { checkDestinations } from './check-destinations.ts'

const allow = new BlockList()
allow.addSubnet('127.0.0.0', 8)
const egress = createEgress({ allow, version: 'test' })
afterAll(() => egress.close())

const context = {
  egress,
  publicUrl: null,
  version: 'test',
  runHandler: () => Promise.reject(new Error('no handler runs here')),
  overrideOf: () => Promise.resolve(null),
}

test('addresses that deliveries may not reach stop the start, all at once and by name', async () => {
  const { destinations } = resolveConfig({
    destinations: [
      webhook({ name: 'local', settings: { url: 'http://127.0.0.1:9/' } }),
      webhook({ name: 'inner', settings: { url: 'https://10.0.0.1/' } }),
      discord({ name: 'secret-url', settings: { url: 'https://169.254.169.254/very-secret' } }),
    ],
  })
  const checked = checkDestinations(destinations, context, 'hookswitch.config.mts')
  await expect(checked).rejects.toThrow(ConfigurationError)
  const { problems } = (await checked.catch((error: unknown) => error)) as ConfigurationError
  expect(problems).toEqual([
    expect.stringMatching(
      /^hookswitch\.config\.mts: destination "inner": settings\.url leads to 10\.0\.0\.1 \(/,
    ),
    expect.stringMatching(
      /^hookswitch\.config\.mts: destination "secret-url": settings\.url leads to 169\.254/,
    ),
  ])
  expect(problems.join()).not.toContain('very-secret')
})

test('what may be reached passes', async () => {
  const { destinations } = resolveConfig({
    destinations: [webhook({ name: 'local', settings: { url: 'http://127.0.0.1:9/' } })],
  })
  await expect(checkDestinations(destinations, context, 'x')).resolves.toBeUndefined()
})
