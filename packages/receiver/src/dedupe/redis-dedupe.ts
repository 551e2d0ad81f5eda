import type { Dedupe } from './dedupe.ts'
import { keptMs } from './kept-claim.ts'
import { storedKey } from './stored-key.ts'
import { withDefaults } from './with-defaults.ts'

/** What is used of ioredis: `new Redis()`, `new Redis.Cluster()`. */
export interface IoredisClient {
  evalsha(sha: string, keys: number, ...rest: string[]): Promise<unknown>
  eval(script: string, keys: number, ...rest: string[]): Promise<unknown>
}

/** What is used of node-redis: a client, pool, sentinel or cluster, which the app has connected. */
export interface NodeRedisClient {
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>
}

export interface RedisDedupeOptions {
  /** Before every key. Default: `hookswitch:`. */
  prefix?: string
}

const defaults: Required<RedisDedupeOptions> = { prefix: 'hookswitch:' }

// The value of a key is `claim:<token>` or `done:<token>`, and it expires by itself. A client may send a command
// again whose answer it has lost, so that each script gives the same answer when it runs twice.

const claimed = -1
const done = -2

/** ARGV: the claim, its lease and `keptMs` together, and `keptMs`. Returns how long another's lease goes on. */
const claimScript = `
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then
  if string.sub(held, 1, 5) == 'done:' then return ${done} end
  local left = redis.call('PTTL', KEYS[1]) - tonumber(ARGV[3])
  if left > 0 then return left end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return ${claimed}`

/** ARGV: the value that is set, for how long, and the values that may stand there. */
const replaceScript = `
local held = redis.call('GET', KEYS[1])
if held ~= ARGV[3] and held ~= ARGV[4] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

/** ARGV: the value that may stand there. */
const removeScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

/**
 * Remembers in Redis (or Valkey) what has been handled, for all processes that use it. Each operation is one script
 * on one key, so that a cluster will do as well; time is that of the server. Old keys expire by themselves.
 *
 * A Redis that may evict keys (`maxmemory-policy` other than `noeviction`) or that fails over to a replica can forget
 * a claim, and a repeat is then handled again.
 *
 * Where Redis is away, the receiver answers 503 when its deadline is over. To have it answered at once let the client
 * not wait: `enableOfflineQueue: false` in ioredis, `disableOfflineQueue: true` in node-redis.
 *
 * @throws TypeError where the client is neither of the two, or an option is wrong.
 * @example
 * const redis = new Redis(url, { enableOfflineQueue: false })
 * redis.on('error', ({ message }) => console.error(message))
 * createReceiver({
 *   secrets: process.env['WEBHOOK_SECRET'],
 *   dedupe: redisDedupe(redis),
 *   on: { 'call.ended': ({ event }) => console.log(event.callId) },
 * })
 */
export function redisDedupe(
  client: IoredisClient | NodeRedisClient,
  options: RedisDedupeOptions = {},
): Dedupe {
  const { prefix } = withDefaults('redisDedupe', options, defaults)
  if (typeof prefix !== 'string') {
    throw new TypeError(`redisDedupe: prefix is ${String(prefix)}; expected a string`)
  }
  const run = scriptRunner(client)
  const keyOf = async (key: string): Promise<string> => prefix + (await storedKey(key))

  return {
    async claim(key, leaseMs) {
      const token = crypto.randomUUID()
      const reply = await run(claimScript, await keyOf(key), [
        `claim:${token}`,
        String(leaseMs + keptMs),
        String(keptMs),
      ])
      if (reply === claimed) return { state: 'claimed', token }
      return reply === done ? { state: 'done' } : { state: 'busy', retryAfterMs: reply }
    },

    async done(key, token, windowMs) {
      const value = `done:${token}`
      return (
        (await run(replaceScript, await keyOf(key), [value, String(windowMs), `claim:${token}`, value])) === 1
      )
    },

    async release(key, token) {
      await run(removeScript, await keyOf(key), [`claim:${token}`])
    },

    async extend(key, token, leaseMs) {
      const value = `claim:${token}`
      return (
        (await run(replaceScript, await keyOf(key), [value, String(leaseMs + keptMs), value, value])) === 1
      )
    },
  }
}

/** Runs a script on one key by its hash, and sends it whole where the server does not have it yet. */
function scriptRunner(client: IoredisClient | NodeRedisClient) {
  const call = caller(client)
  const hashes = new Map<string, string>()

  async function hashOf(script: string): Promise<string> {
    const known = hashes.get(script)
    if (known !== undefined) return known
    const bytes = new Uint8Array(await crypto.subtle.digest('SHA-1', new TextEncoder().encode(script)))
    const hash = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
    hashes.set(script, hash)
    return hash
  }

  return async (script: string, key: string, values: string[]): Promise<number> => {
    const hash = await hashOf(script)
    try {
      return Number(await call.evalSha(hash, key, values))
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return Number(await call.eval(script, key, values))
    }
  }
}

interface Caller {
  evalSha(hash: string, key: string, values: string[]): Promise<unknown>
  eval(script: string, key: string, values: string[]): Promise<unknown>
}

/** The two clients write the same command differently: `evalsha` takes a list, `evalSha` an object. */
function caller(client: IoredisClient | NodeRedisClient | null | undefined): Caller {
  if (typeof client === 'object' && client !== null) {
    if ('evalSha' in client) {
      return {
        evalSha: (hash, key, values) => client.evalSha(hash, { keys: [key], arguments: values }),
        eval: (script, key, values) => client.eval(script, { keys: [key], arguments: values }),
      }
    }
    if ('evalsha' in client) {
      return {
        evalSha: (hash, key, values) => client.evalsha(hash, 1, key, ...values),
        eval: (script, key, values) => client.eval(script, 1, key, ...values),
      }
    }
  }
  throw new TypeError(
    `redisDedupe: the client is ${client === null ? 'null' : typeof client} without evalSha or evalsha; ` +
      'expected one of node-redis or ioredis',
  )
}
