import type { LookupAddress } from 'node:dns'
import { BlockList, isIP } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type CallTarget,
  createEgress,
  type Egress,
  type EgressOptions,
  type KindContext,
  type OpenDestination,
} from '@hookswitch/destinations'
import {
  answers,
  asHost,
  type Peer,
  refusedAddresses as addresses,
  refusedNotations as notations,
  sampleMessage,
  startPeer,
} from '@hookswitch/testkit/destination-contract'
import { callWebhookKind } from '../src/call-webhook/call-webhook-kind.ts'
import { addressClass, addressClasses } from '../src/egress/address-class.ts'
import { webhookKind } from '../src/webhook/webhook-kind.ts'

/** On the public internet, most of them next to a range that is refused. */
const reachable = `
  1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
  169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 192.88.98.255
  192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2001:200::1 2001:db7::1
  2001:db9::1 2001:4860:4860::8888 2003::1 2606:4700::1111 2a00:1450:4001:80f::200e 3ffe::1
  3fff:1000::1 2000::1
`
  .trim()
  .split(/\s+/)

const publicAddress = { address: '93.184.215.14', family: 4 }

let listener: Peer
const egresses: Egress[] = []

beforeAll(async () => {
  listener = await startPeer(answers({ status: 200 }), { secure: true })
})
afterEach(async () => {
  for (const egress of egresses.splice(0)) await egress.close()
  expect(listener.connections(), 'nothing ever arrives').toBe(0)
})
afterAll(() => listener.close())

function egressWith(options: Partial<EgressOptions> = {}): Egress {
  const egress = createEgress({ allow: null, version: '0.0.0', ...options })
  egresses.push(egress)
  return egress
}

function send(egress: Egress, host: string) {
  const url = `https://${host}:${listener.port}/`
  return egress.attempt({ method: 'POST', url, headers: {}, body: '{}' }, new AbortController().signal)
}

function leadingTo(address: string): LookupAddress[] {
  return [{ address, family: isIP(address) }]
}

const blocked = (name: string) => ({
  verdict: 'retry',
  cause: 'blocked',
  message: expect.stringContaining(`(${name})`),
  status: null,
})

describe('an address that deliveries may not reach', () => {
  test('is known in at least sixty forms - each class has its own', () => {
    expect(addresses.length).toBeGreaterThanOrEqual(60)
    const listed = new Set(addresses.map(([, name]) => name))
    expect([...listed].sort()).toEqual([...new Set(addressClasses.map(({ name }) => name))].sort())
  })

  test.each(addresses)(
    '%s (%s) is refused in a URL, behind a name, and at the connection',
    async (address, name) => {
      expect(addressClass(address)).toBe(name)
      const egress = egressWith({ resolve: () => Promise.resolve(leadingTo(address)) })
      // As a part of a URL some forms are written in another way, and are the same address.
      expect(await egress.check(`https://${asHost(address)}/`)).toContain(`(${name})`)
      expect(await egress.check('https://inside.example/')).toContain(`(${name})`)
      expect(await send(egress, asHost(address))).toMatchObject(blocked(name))
      expect(await send(egress, 'inside.example')).toMatchObject(blocked(name))
    },
  )

  test.each(notations)('%s is %s, however it is written', async (host, name) => {
    const egress = egressWith({ resolve: () => Promise.reject(new Error('no name was to be resolved')) })
    expect(await egress.check(`https://${host}/`)).toContain(`(${name})`)
    expect(await send(egress, host)).toMatchObject(blocked(name))
  })

  test.each(addresses)(
    '%s (%s) is refused at the connection when its name was public before',
    async (address, name) => {
      const answersInTurn = [[publicAddress], leadingTo(address)]
      const egress = egressWith({ resolve: () => Promise.resolve(answersInTurn.shift() ?? []) })
      expect(await egress.check('https://rebound.example/')).toBeNull()
      expect(await send(egress, 'rebound.example')).toMatchObject(blocked(name))
    },
  )

  test('refuses its name when other addresses of that are public - which one is taken would be luck', async () => {
    for (const all of [
      [publicAddress, ...leadingTo('127.0.0.1')],
      [...leadingTo('::1'), publicAddress],
    ]) {
      const egress = egressWith({ resolve: () => Promise.resolve(all) })
      expect(await egress.check('https://both.example/')).toContain('(loopback)')
      expect(await send(egress, 'both.example')).toMatchObject(blocked('loopback'))
    }
  })

  test('is refused behind the names of this machine', async () => {
    const egress = egressWith()
    for (const host of ['localhost', 'LOCALHOST']) {
      expect(await egress.check(`https://${host}/`), host).toContain('(loopback)')
      expect(await send(egress, host), host).toMatchObject(blocked('loopback'))
    }
  })

  test('is refused to clients that connect by themselves', async () => {
    const egress = egressWith({ resolve: () => Promise.resolve(leadingTo('10.0.0.1')) })
    const lookup = (host: string, options: object) =>
      new Promise((resolve) => {
        egress.lookup(host, options, (error, found) => resolve(error ?? found))
      })
    for (const options of [{}, { all: true }, { family: 4 }]) {
      const failure = { failure: 'blocked', message: expect.stringContaining('10.0.0.1 (private)') }
      expect(await lookup('mail.example', options)).toMatchObject(failure)
      // Some clients look up what is an address already.
      expect(await lookup('10.0.0.1', options)).toMatchObject(failure)
    }
  })
})

/** Where kinds send to is told in their settings, or by the call; what may be reached is one table for all. */
const kinds: Record<string, (egress: Egress, url: string) => OpenDestination> = {
  webhook: (egress, url) => webhookKind.open(webhookKind.settings.parse({ url }), contextOf(egress, null)),
  'call-webhook': (egress, url) =>
    callWebhookKind.open({}, contextOf(egress, { url, authKey: null, authSecret: null, events: null })),
}

function contextOf(egress: Egress, target: CallTarget | null): KindContext {
  return {
    name: 'ssrf',
    egress,
    publicUrl: null,
    version: '0.0.0',
    runHandler: () => Promise.reject(new Error('only a handler runs handlers')),
    overrideOf: () => Promise.resolve(target),
  }
}

describe.each(Object.entries(kinds))('a %s', (_kind, open) => {
  test.each([...addresses.map(([address, name]): [string, string] => [asHost(address), name]), ...notations])(
    'to %s (%s) is refused when it is set, and at the connection',
    async (host, name) => {
      const egress = egressWith()
      const url = `https://${host}:${listener.port}/`
      // What the settings of a webhook and the URL of a call are both asked before they are kept.
      expect(await egress.check(url)).toContain(`(${name})`)
      const sent = open(egress, url).send(sampleMessage(), new AbortController().signal)
      expect(await sent).toMatchObject(blocked(name))
    },
  )

  test.each(addresses)('behind a name that leads to %s (%s) by now is refused too', async (address, name) => {
    const answersInTurn = [[publicAddress], leadingTo(address)]
    const egress = egressWith({ resolve: () => Promise.resolve(answersInTurn.shift() ?? []) })
    const url = `https://rebound.example:${listener.port}/`
    expect(await egress.check(url)).toBeNull()
    const sent = open(egress, url).send(sampleMessage(), new AbortController().signal)
    expect(await sent).toMatchObject(blocked(name))
  })
})

describe('an address on the public internet', () => {
  test.each(reachable)('%s is let through', async (address) => {
    const egress = egressWith({ resolve: () => Promise.resolve(leadingTo(address)) })
    expect(await egress.check(`https://${asHost(address)}/`)).toBeNull()
    expect(await egress.check('https://public.example/')).toBeNull()
  })

  test('is not reached by plain http', async () => {
    const egress = egressWith({
      allow: subnet('10.0.0.0', 8),
      resolve: () => Promise.resolve([publicAddress]),
    })
    for (const url of ['http://public.example/', `http://${publicAddress.address}/`]) {
      expect(await egress.check(url)).toContain('by plain http, expected https')
      const request = { method: 'POST', url, headers: {}, body: '' } as const
      expect(await egress.attempt(request, new AbortController().signal)).toMatchObject({ cause: 'blocked' })
    }
  })
})

describe('a URL that no delivery can be sent to', () => {
  test.each([
    ['', 'is not a URL'],
    ['example.com/hook', 'is not a URL'],
    ['https://', 'is not a URL'],
    ['https://256.256.256.256/', 'is not a URL'],
    ['https://1.2.3.4.5/', 'is not a URL'],
    ['https://[fe80::1%25eth0]/', 'is not a URL'],
    ['https://a b.example/', 'is not a URL'],
    ['https://example.com:99999/', 'is not a URL'],
    ['ftp://example.com/', 'is ftp'],
    ['file:///etc/passwd', 'is file'],
    ['javascript:alert(1)', 'is javascript'],
    ['data:text/plain,hello', 'is data'],
    ['gopher://127.0.0.1:25/', 'is gopher'],
    ['unix:/var/run/docker.sock', 'is unix'],
    ['https://user@example.com/', 'has a user or a password in it'],
    ['https://user:open-sesame@example.com/', 'has a user or a password in it'],
    ['https://127.0.0.1@example.com/', 'has a user or a password in it'],
    ['https://example.com@127.0.0.1/', 'has a user or a password in it'],
  ])('%s %s', async (url, problem) => {
    const egress = egressWith({ resolve: () => Promise.resolve([publicAddress]) })
    const found = await egress.check(url)
    expect(found).toContain(problem)
    expect(found).not.toContain('open-sesame')
    const request = { method: 'POST', url, headers: {}, body: '' } as const
    const result = await egress.attempt(request, new AbortController().signal)
    expect(result).toMatchObject({ cause: 'settings', verdict: 'retry', request: null })
    expect(JSON.stringify(result)).not.toContain('open-sesame')
  })

  test('plain http is refused outright where nothing is allowed', async () => {
    expect(await egressWith().check('http://public.example/')).toBe('is http, expected https')
  })
})

describe('the list of what is allowed', () => {
  test('opens its addresses and no others, also to plain http', async () => {
    const egress = egressWith({ allow: subnet('10.1.0.0', 16) })
    expect(await egress.check('http://10.1.2.3/')).toBeNull()
    expect(await egress.check('https://10.1.2.3/')).toBeNull()
    expect(await egress.check('http://10.2.0.1/')).toContain('(private)')
    expect(await egress.check('https://169.254.169.254/')).toContain('(cloud metadata)')
  })

  test('opens an IPv4 address in its mapped form too - it is the same host', async () => {
    const egress = egressWith({ allow: subnet('10.1.0.0', 16) })
    expect(await egress.check('http://[::ffff:10.1.2.3]/')).toBeNull()
    expect(await egress.check('http://[::ffff:10.2.0.1]/')).toContain('(IPv4-mapped)')
  })

  test('a name that cannot be resolved now is no reason against settings', async () => {
    const egress = egressWith({ resolve: () => Promise.reject(new Error('the resolver is away')) })
    expect(await egress.check('https://later.example/')).toBeNull()
  })
})

function subnet(network: string, bits: number): BlockList {
  const allow = new BlockList()
  allow.addSubnet(network, bits, 'ipv4')
  return allow
}
