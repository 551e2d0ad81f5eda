import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createClient } from 'redis'
import { describe, expect, test } from 'vitest'
import { until } from '../server-process/client.ts'
import { redisMissing, startRedis } from './server.ts'

const missing = redisMissing()

/** Sends one command on a connection of its own. */
async function ask(url: string, ...command: string[]): Promise<unknown> {
  const client = createClient({ url, socket: { reconnectStrategy: false } })
  client.on('error', () => {})
  await client.connect()
  try {
    return await client.sendCommand(command)
  } finally {
    client.destroy()
  }
}

describe.skipIf(missing !== null)(
  `a Redis of our own${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    test('it keeps its data and its address while it is down, however it went down', async () => {
      const redis = await startRedis()
      try {
        for (const how of ['orderly', 'crash'] as const) {
          await ask(redis.url, 'SET', how, 'kept')
          await redis.down(how)
          await expect(ask(redis.url, 'PING')).rejects.toThrow('ECONNREFUSED')
          await redis.up()
          expect(await ask(redis.url, 'GET', how)).toBe('kept')
        }
      } finally {
        await redis.stop()
      }
      await redis.stop()
    })

    test('nothing is left running or lying about when the tests are killed', async () => {
      const module = new URL('./server.ts', import.meta.url).href
      const child = spawn(
        process.execPath,
        [
          '--conditions=hookswitch-source',
          '--input-type=module',
          '-e',
          `const { startRedis } = await import(${JSON.stringify(module)})
         process.stdout.write((await startRedis()).url)
         setInterval(() => {}, 1_000)`,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      const [said] = (await once(child.stdout, 'data')) as [Buffer]
      const url = said.toString('utf8')
      const config = await ask(url, 'CONFIG', 'GET', 'dir')
      const folder = Object.values(config as Record<string, string>).at(-1)
      if (folder === undefined) throw new Error('it has no folder')
      expect(existsSync(folder)).toBe(true)
      child.kill('SIGKILL')
      await until('the data to be removed', async () => !existsSync(folder))
      await expect(ask(url, 'PING')).rejects.toThrow('ECONNREFUSED')
    })
  },
)
