import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { redisMissing, startRedis, type RedisServer } from '@hookswitch/testkit/redis'
import type { Dedupe } from '../src/dedupe/dedupe.ts'
import {
  redisDedupe,
  type IoredisClient,
  type NodeRedisClient,
  type RedisDedupeOptions,
} from '../src/dedupe/redis-dedupe.ts'

const leaseMs = 30_000
const windowMs = 60_000

const missing = redisMissing()
const closers: (() => void)[] = []

afterEach(() => {
  for (const close of closers.splice(0)) close()
})

async function claimNew(dedupe: Dedupe, key: string): Promise<string> {
  const claim = await dedupe.claim(key, leaseMs)
  if (claim.state !== 'claimed') throw new Error(`${key} is ${claim.state}`)
  return claim.token
}

/** The same client, whose every command reaches the server twice. */
function twice(client: IoredisClient | NodeRedisClient): IoredisClient | NodeRedisClient {
  async function again(send: () => Promise<unknown>): Promise<unknown> {
    await send()
    return send()
  }
  if ('evalSha' in client) {
    const nodeRedis: NodeRedisClient = {
      evalSha: (hash, options) => again(() => client.evalSha(hash, options)),
      eval: (script, options) => again(() => client.eval(script, options)),
    }
    return nodeRedis
  }
  const ioredis: IoredisClient = {
    evalsha: (hash, keys, ...rest) => again(() => client.evalsha(hash, keys, ...rest)),
    eval: (script, keys, ...rest) => again(() => client.eval(script, keys, ...rest)),
  }
  return ioredis
}

/** Each client as its documentation has it for an app that does not want to wait. */
const clients: { name: string; connect(url: string): Promise<IoredisClient | NodeRedisClient> }[] = [
  {
    name: 'ioredis',
    async connect(url) {
      const client = new Redis(url, { enableOfflineQueue: false, lazyConnect: true })
      client.on('error', () => {})
      closers.push(() => client.disconnect())
      await client.connect()
      return client
    },
  },
  {
    name: 'node-redis',
    async connect(url) {
      const client = createClient({ url, disableOfflineQueue: true })
      client.on('error', () => {})
      closers.push(() => client.destroy())
      return client.connect()
    },
  },
]

describe.skipIf(missing !== null).each(clients)(
  `a dedupe by $name${missing === null ? '' : ` (skipped: ${missing})`}`,
  ({ connect }) => {
    let redis: RedisServer
    let look: Redis
    beforeAll(async () => {
      redis = await startRedis()
      look = new Redis(redis.url)
      look.on('error', () => {})
    })
    afterAll(async () => {
      look.disconnect()
      await redis.stop()
    })

    test('a server that has forgotten the scripts is sent them again', async () => {
      const dedupe = redisDedupe(await connect(redis.url))
      const token = await claimNew(dedupe, 'flushed')
      await look.call('SCRIPT', 'FLUSH')
      expect(await dedupe.extend('flushed', token, leaseMs)).toBe(true)
      await look.call('SCRIPT', 'FLUSH')
      expect(await dedupe.done('flushed', token, windowMs)).toBe(true)
      await look.call('SCRIPT', 'FLUSH')
      expect(await dedupe.claim('flushed', leaseMs)).toEqual({ state: 'done' })
    })

    test('a usual key stands there as it is, after the prefix, and expires by itself', async () => {
      const dedupe = redisDedupe(await connect(redis.url), { prefix: 'app:' })
      await dedupe.done('1:call_1:call.ended', await claimNew(dedupe, '1:call_1:call.ended'), windowMs)
      await claimNew(dedupe, '2:call_1:call.ended')
      expect((await look.keys('app:*')).sort()).toEqual([
        'app:1:call_1:call.ended',
        'app:2:call_1:call.ended',
      ])
      for (const key of await look.keys('*')) expect(await look.pttl(key)).toBeGreaterThan(0)
      expect(await look.pttl('app:1:call_1:call.ended')).toBeLessThanOrEqual(windowMs)
    })

    test('a command that a client sends twice, because it has lost the answer, does no harm', async () => {
      const dedupe = redisDedupe(twice(await connect(redis.url)))
      const token = await claimNew(dedupe, 'twice')
      expect((await dedupe.claim('twice', leaseMs)).state).toBe('busy')
      expect(await dedupe.extend('twice', token, leaseMs)).toBe(true)
      expect(await dedupe.done('twice', token, windowMs)).toBe(true)
      expect(await dedupe.claim('twice', leaseMs)).toEqual({ state: 'done' })
    })

    test('another prefix is another memory', async () => {
      const client = await connect(redis.url)
      await claimNew(redisDedupe(client), 'shared')
      await claimNew(redisDedupe(client, { prefix: '' }), 'shared')
    })

    test('while Redis is away a claim rejects at once, and what it knew is there when it is back', async () => {
      const url = redis.url
      const before = redisDedupe(await connect(url))
      expect(await before.done('kept', await claimNew(before, 'kept'), windowMs)).toBe(true)
      await redis.down('crash')
      try {
        await expect(before.claim('kept', leaseMs)).rejects.toThrow(Error)
      } finally {
        await redis.up()
      }
      const after = redisDedupe(await connect(url))
      expect(await after.claim('kept', leaseMs)).toEqual({ state: 'done' })
    })

    test('what stands under its key and is not its own makes a claim reject', async () => {
      const dedupe = redisDedupe(await connect(redis.url))
      await look.rpush('hookswitch:list', 'of somebody else')
      await expect(dedupe.claim('list', leaseMs)).rejects.toThrow('WRONGTYPE')
    })
  },
)

test('a client of another kind is refused', () => {
  const others: [unknown, string][] = [
    [null, 'null'],
    [undefined, 'undefined'],
    ['redis://127.0.0.1', 'string'],
    [{ get: () => null, set: () => null }, 'object'],
  ]
  for (const [client, came] of others) {
    expect(() => redisDedupe(client as IoredisClient)).toThrow(
      new TypeError(
        `redisDedupe: the client is ${came} without evalSha or evalsha; expected one of node-redis or ioredis`,
      ),
    )
  }
})

test('a prefix that is no string is refused', () => {
  const client = { evalsha: () => Promise.resolve(0), eval: () => Promise.resolve(0) }
  expect(() => redisDedupe(client, { prefix: 5 as unknown as string })).toThrow(
    new TypeError('redisDedupe: prefix is 5; expected a string'),
  )
})

test('an option that there is not is refused by its name', () => {
  const client = { evalsha: () => Promise.resolve(0), eval: () => Promise.resolve(0) }
  expect(() => redisDedupe(client, { perfix: 'app:' } as RedisDedupeOptions)).toThrow(
    new TypeError('redisDedupe has no option perfix'),
  )
})
