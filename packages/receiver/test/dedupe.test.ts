import path from 'node:path'
import { Cluster } from 'ioredis'
import { createCluster, createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { endServerProcesses, temporaryFolder, until } from '@hookswitch/testkit'
import { postgresMissing, startPostgres } from '@hookswitch/testkit/postgres'
import { redisMissing, startRedis } from '@hookswitch/testkit/redis'
import type { Dedupe } from '../src/dedupe/dedupe.ts'
import { memoryDedupe } from '../src/dedupe/memory-dedupe.ts'
import { redisDedupe } from '../src/dedupe/redis-dedupe.ts'
import { endPrograms, startProgram } from './child-program.ts'
import { dedupeContract, dedupeContractCases } from './dedupe-contract.ts'
import { openStore, type StoreKind } from './dedupe-stores.ts'

const closers: (() => Promise<void> | void)[] = []

afterEach(async () => {
  await endPrograms()
  for (const close of closers.splice(0)) await close()
})

interface Server {
  url: string
  stop(): Promise<void>
}

const stores: { kind: StoreKind; missing: string | null; start(): Promise<Server> }[] = [
  { kind: 'ioredis', missing: redisMissing(), start: startRedis },
  { kind: 'node-redis', missing: redisMissing(), start: startRedis },
  { kind: 'pg', missing: postgresMissing(), start: startPostgres },
  {
    kind: 'node:sqlite',
    missing: null,
    start: async () => ({
      url: path.join(await temporaryFolder(), 'dedupe.sqlite'),
      stop: endServerProcesses,
    }),
  },
]

const titleOf = (name: string, missing: string | null): string =>
  missing === null ? name : `${name} (skipped: ${missing})`

describe('a dedupe in memory', () => {
  const contract = dedupeContract(() => {
    const dedupe = memoryDedupe()
    return { connect: async () => dedupe }
  })

  test('every case of the contract ran', () => {
    expect(contract.ran()).toBe(dedupeContractCases)
  })
})

for (const { kind, missing, start } of stores) {
  describe.skipIf(missing !== null)(titleOf(`a dedupe by ${kind}`, missing), () => {
    let server: Server
    beforeAll(async () => {
      server = await start()
    })
    afterAll(() => server.stop())

    async function connect(): Promise<Dedupe> {
      const { dedupe, close } = await openStore(kind, server.url)
      closers.push(close)
      return dedupe
    }
    const contract = dedupeContract(() => ({ connect }))

    test('every case of the contract ran', () => {
      expect(contract.ran()).toBe(dedupeContractCases)
    })

    test('a process that is killed between claim and done loses its claim - a repeat is handled', async () => {
      const dedupe = await connect()
      const key = `killed by ${kind}`
      const holder = startProgram('dedupe-program.ts', ['hold', kind, server.url, key])
      expect(await holder.line()).toBe('claimed')
      expect((await dedupe.claim(key, 30_000)).state).toBe('busy')
      await holder.kill()
      const token = await until('the lease of the dead to end', async () => {
        const answer = await dedupe.claim(key, 30_000)
        expect(answer.state).not.toBe('done')
        return answer.state === 'claimed' && answer.token
      })
      expect(await dedupe.done(key, token, 60_000)).toBe(true)
    })

    test('two processes that get the same events handle each of them once', async () => {
      const count = 300
      const racers = ['one', 'two'].map(() =>
        startProgram('dedupe-program.ts', ['race', kind, server.url, String(count)]),
      )
      for (const racer of racers) expect(await racer.line()).toBe('handling')
      for (const racer of racers) racer.say('go')
      const handled: number[][] = []
      for (const racer of racers) handled.push(JSON.parse(await racer.line()) as number[])
      const all = handled.flat().sort((a, b) => a - b)
      expect(all).toEqual(Array.from({ length: count }, (_, event) => event))
      for (const own of handled) expect(own.length, 'of each process').toBeGreaterThan(0)
    })
  })
}

const missing = redisMissing()

describe.skipIf(missing !== null)(titleOf('a dedupe in a Redis Cluster of two nodes', missing), () => {
  let nodes: Awaited<ReturnType<typeof startRedis>>[] = []
  beforeAll(async () => {
    nodes = [await startRedis({ cluster: true }), await startRedis({ cluster: true })]
    await join(nodes)
  })
  afterAll(async () => {
    for (const node of nodes) await node.stop()
  })

  describe('by ioredis', () => {
    const contract = dedupeContract(() => ({
      connect: async () => {
        const client = new Cluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
        closers.push(() => client.disconnect())
        return redisDedupe(client)
      },
    }))

    test('every case of the contract ran', () => {
      expect(contract.ran()).toBe(dedupeContractCases)
    })
  })

  describe('by node-redis', () => {
    const contract = dedupeContract(() => ({
      connect: async () => {
        const client = createCluster({ rootNodes: nodes.map(({ url }) => ({ url })) })
        await client.connect()
        closers.push(() => client.destroy())
        return redisDedupe(client, { prefix: 'another app:' })
      },
    }))

    test('every case of the contract ran', () => {
      expect(contract.ran()).toBe(dedupeContractCases)
    })
  })
})

/** Gives each node half of the slots and waits until both know it. */
async function join(nodes: Awaited<ReturnType<typeof startRedis>>[]): Promise<void> {
  const clients = await Promise.all(nodes.map(({ url }) => createClient({ url }).connect()))
  try {
    for (const [index, client] of clients.entries()) {
      const [from, to] = index === 0 ? ['0', '8191'] : ['8192', '16383']
      await client.sendCommand(['CLUSTER', 'ADDSLOTSRANGE', from, to])
      await client.sendCommand(['CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1)])
    }
    const [, other] = nodes
    if (other === undefined) throw new Error('there are two nodes')
    const address = ['127.0.0.1', String(other.port), String(other.clusterPort)]
    await clients[0]?.sendCommand(['CLUSTER', 'MEET', ...address])
    for (const client of clients) {
      await until('the node to know the whole cluster', async () => {
        const info = await client.sendCommand<string>(['CLUSTER', 'INFO'])
        return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:2')
      })
    }
  } finally {
    for (const client of clients) client.destroy()
  }
}
