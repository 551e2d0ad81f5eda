import { readEnvironment } from '@hookswitch/server'
import { describe, expect, test } from 'vitest'
import { isOwnAddress, localServerUrl } from './server-address.ts'

const environmentOf = (env: Record<string, string>) => readEnvironment(env, import.meta.dirname)

describe('the address of the local server', () => {
  test.each([
    [{}, 'http://127.0.0.1:4000'],
    [{ HOST: '0.0.0.0', PORT: '80' }, 'http://127.0.0.1:80'],
    [{ HOST: '::' }, 'http://[::1]:4000'],
    [{ HOST: 'intranet' }, 'http://intranet:4000'],
    [{ HOOKSWITCH_PUBLIC_URL: 'https://hooks.example.com' }, 'http://127.0.0.1:4000'],
  ])('for %j is %s', (env, url) => {
    expect(localServerUrl(environmentOf(env))).toBe(url)
  })

  test('with a certificate is the public one - at 127.0.0.1 it would not be believed', () => {
    const environment = environmentOf({ HOOKSWITCH_PUBLIC_URL: 'https://hooks.example.com' })
    const tls = { cert: Buffer.from(''), key: Buffer.from('') }
    expect(localServerUrl({ ...environment, tls })).toBe('https://hooks.example.com')
  })
})

describe('what lies in the data folder is shown', () => {
  const environment = environmentOf({
    HOST: '192.168.1.5',
    HOOKSWITCH_PUBLIC_URL: 'https://hooks.example.com/path',
  })

  test.each([
    'http://127.0.0.1:4000',
    'http://127.8.8.8',
    'http://localhost:5000/webhook',
    'http://[::1]:4000',
    'http://192.168.1.5:4000',
    'https://hooks.example.com/webhook',
  ])('to %s, which is this server', (url) => {
    expect(isOwnAddress(new URL(url), environment)).toBe(true)
  })

  test.each([
    'https://example.com/webhook',
    'http://hooks.example.com',
    'https://hooks.example.com:8443',
    'https://127.0.0.1.example.com',
    'http://192.168.1.6:4000',
    'https://localhost.example.com',
  ])('not to %s, which may be anybody', (url) => {
    expect(isOwnAddress(new URL(url), environment)).toBe(false)
  })
})
