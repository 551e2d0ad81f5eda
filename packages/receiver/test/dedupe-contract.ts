import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { until } from '@hookswitch/testkit'
import type { Claim, Dedupe } from '../src/dedupe/dedupe.ts'

/** What a dedupe gives to be held to the contract. */
export interface DedupeHarness {
  /** Another way to the same memory: a connection of its own where there are such. The harness closes it. */
  connect(): Promise<Dedupe>
}

/** Over before a test has asked twice or thrice; what waits for it asks until it is. */
const shortMs = 60
/** Far longer than a test runs. */
const longMs = 60_000

interface Use {
  dedupe: Dedupe
  /** A key that no other case has. */
  key: string
  connect(): Promise<Dedupe>
}

const cases: [name: string, run: (use: Use) => Promise<void>][] = [
  [
    'a free key is claimed once, and busy to everybody else',
    async ({ dedupe, key, connect }) => {
      const token = await claimed(dedupe, key, longMs)
      expect(token).not.toBe('')
      for (const other of [dedupe, await connect()]) {
        const answer = await other.claim(key, longMs)
        expect(answer).toEqual({ state: 'busy', retryAfterMs: expect.any(Number) as number })
        const { retryAfterMs } = answer as Extract<Claim, { state: 'busy' }>
        expect(retryAfterMs).toBeGreaterThan(0)
        expect(retryAfterMs).toBeLessThanOrEqual(longMs)
      }
    },
  ],
  [
    'what was handled is done to everybody',
    async ({ dedupe, key, connect }) => {
      const token = await claimed(dedupe, key, longMs)
      expect(await dedupe.done(key, token, longMs)).toBe(true)
      expect(await dedupe.claim(key, longMs)).toEqual({ state: 'done' })
      expect(await (await connect()).claim(key, longMs)).toEqual({ state: 'done' })
    },
  ],
  [
    'what was released may be claimed at once',
    async ({ dedupe, key, connect }) => {
      const token = await claimed(dedupe, key, longMs)
      await dedupe.release(key, token)
      const second = await claimed(await connect(), key, longMs)
      expect(second).not.toBe(token)
    },
  ],
  [
    'a claim that is extended lasts from then on',
    async ({ dedupe, key }) => {
      const token = await claimed(dedupe, key, longMs)
      expect(await dedupe.extend(key, token, 10 * longMs)).toBe(true)
      const answer = await dedupe.claim(key, longMs)
      expect(answer.state === 'busy' && answer.retryAfterMs).toBeGreaterThan(9 * longMs)
      expect(answer.state === 'busy' && answer.retryAfterMs).toBeLessThanOrEqual(10 * longMs)
      expect(await dedupe.extend(key, token, shortMs)).toBe(true)
      await claimedInTheEnd(dedupe, key)
    },
  ],
  [
    'tokens of others are refused, and change nothing',
    async ({ dedupe, key }) => {
      const token = await claimed(dedupe, key, longMs)
      await refuses(dedupe, key, 'made-up')
      await refuses(dedupe, key, '')
      // Of another key.
      await refuses(dedupe, key, await claimed(dedupe, `${key} too`, longMs))
      expect((await dedupe.claim(key, longMs)).state).toBe('busy')
      expect(await dedupe.done(key, token, longMs)).toBe(true)
      await refuses(dedupe, `${key} never claimed`, token)
      await claimed(dedupe, `${key} never claimed`, longMs)
    },
  ],
  [
    'what is done stays done, whatever its claim says afterwards - but saying so twice is no mistake',
    async ({ dedupe, key }) => {
      const token = await claimed(dedupe, key, longMs)
      expect(await dedupe.done(key, token, longMs)).toBe(true)
      await dedupe.release(key, token)
      expect(await dedupe.extend(key, token, shortMs)).toBe(false)
      expect(await dedupe.done(key, 'made-up', shortMs)).toBe(false)
      expect(await dedupe.done(key, token, longMs)).toBe(true)
      expect(await dedupe.claim(key, longMs)).toEqual({ state: 'done' })
    },
  ],
  [
    'a lease that is over is taken over, and its former holder is refused - asking does not lengthen it',
    async ({ dedupe, key, connect }) => {
      const former = await claimed(dedupe, key, shortMs)
      const token = await claimedInTheEnd(await connect(), key)
      await refuses(dedupe, key, former)
      expect((await dedupe.claim(key, longMs)).state).toBe('busy')
      expect(await dedupe.extend(key, token, longMs)).toBe(true)
      expect(await dedupe.done(key, token, longMs)).toBe(true)
    },
  ],
  [
    'a lease that is over and that nobody took is still its holder’s - what was handled late was handled',
    async ({ dedupe, key }) => {
      const late = await claimed(dedupe, key, shortMs)
      const later = await claimed(dedupe, `${key} extended`, shortMs)
      await pass(dedupe, shortMs, `${key} passed`)
      expect(await dedupe.done(key, late, longMs)).toBe(true)
      expect(await dedupe.claim(key, longMs)).toEqual({ state: 'done' })
      expect(await dedupe.extend(`${key} extended`, later, longMs)).toBe(true)
      expect((await dedupe.claim(`${key} extended`, longMs)).state).toBe('busy')
    },
  ],
  [
    'when the window is over the key is free again - asking does not lengthen it',
    async ({ dedupe, key }) => {
      const former = await claimed(dedupe, key, longMs)
      expect(await dedupe.done(key, former, shortMs)).toBe(true)
      const token = await claimedInTheEnd(dedupe, key)
      await refuses(dedupe, key, former)
      expect((await dedupe.claim(key, longMs)).state).toBe('busy')
      expect(await dedupe.extend(key, token, longMs)).toBe(true)
    },
  ],
  [
    'of 200 that claim a free key at once exactly one has it, and so for one whose lease is over',
    async ({ dedupe, key, connect }) => {
      await claimed(dedupe, `${key} over`, shortMs)
      await pass(dedupe, shortMs, `${key} passed`)
      const connections = await Promise.all(Array.from({ length: 8 }, connect))
      for (const contested of [key, `${key} over`]) {
        const answers = await claimAll(connections, () => contested)
        expect(answers.filter((answer) => answer.state === 'claimed')).toHaveLength(1)
        expect(answers.filter((answer) => answer.state === 'busy')).toHaveLength(199)
      }
    },
  ],
  [
    '200 different keys are claimed at once - a key that is held blocks itself alone',
    async ({ dedupe, key, connect }) => {
      await claimed(dedupe, key, longMs)
      const connections = await Promise.all(Array.from({ length: 8 }, connect))
      const answers = await claimAll(connections, (at) => `${key} ${at}`)
      const tokens = answers.flatMap((answer) => (answer.state === 'claimed' ? [answer.token] : []))
      expect(new Set(tokens).size).toBe(200)
    },
  ],
  [
    'each key is one of its own, whatever stands in it',
    async ({ dedupe, key, connect }) => {
      const keys = weirdKeys(key)
      expect(new Set(keys).size).toBe(keys.length)
      const tokens = new Map<string, string>()
      for (const weird of keys) tokens.set(weird, await claimed(dedupe, weird, longMs))
      const other = await connect()
      for (const [weird, token] of tokens) {
        expect((await other.claim(weird, longMs)).state).toBe('busy')
        expect(await other.done(weird, token, longMs)).toBe(true)
        expect(await dedupe.claim(weird, longMs)).toEqual({ state: 'done' })
      }
    },
  ],
  [
    'any order of acts ends as it would on paper',
    async ({ dedupe, key, connect }) => {
      const connections = [dedupe, await connect()]
      let round = 0
      await fc.assert(
        fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
          round += 1
          await follow(connections, `${key} ${round}`, acts)
        }),
        { numRuns: 40 },
      )
    },
  ],
]

/** Said in one place, so that no implementation quietly runs fewer. */
export const dedupeContractCases = 13

let keys = 0

/** Registers the suite and returns how many cases ran. */
export function dedupeContract(open: () => DedupeHarness): { ran(): number } {
  let ran = 0
  describe('keeps the contract', () => {
    test.each(cases)('%s', async (_name, run) => {
      const { connect } = open()
      keys += 1
      await run({ dedupe: await connect(), key: `1764590400000:call_${keys}:call.ended`, connect })
      ran += 1
    })
  })
  return { ran: () => ran }
}

async function claimed(dedupe: Dedupe, key: string, leaseMs: number): Promise<string> {
  const answer = await dedupe.claim(key, leaseMs)
  if (answer.state !== 'claimed') throw new Error(`expected to claim it, and it is ${answer.state}`)
  return answer.token
}

function claimedInTheEnd(dedupe: Dedupe, key: string): Promise<string> {
  return until('the claim to be given', async () => {
    const answer = await dedupe.claim(key, longMs)
    return answer.state === 'claimed' && answer.token
  })
}

/** Two hundred claims at once, over all connections. */
function claimAll(connections: Dedupe[], keyOf: (at: number) => string): Promise<Claim[]> {
  const each = Math.ceil(200 / connections.length)
  return Promise.all(
    connections.flatMap((dedupe, index) =>
      Array.from({ length: each }, (_, at) => dedupe.claim(keyOf(index * each + at), longMs)),
    ),
  )
}

/** Lets time pass by the clock of the store: a claim that was made later, of a key of its own, is over. */
async function pass(dedupe: Dedupe, ms: number, key: string): Promise<void> {
  await claimed(dedupe, key, ms)
  await claimedInTheEnd(dedupe, key)
}

async function refuses(dedupe: Dedupe, key: string, token: string): Promise<void> {
  expect(await dedupe.done(key, token, longMs)).toBe(false)
  expect(await dedupe.extend(key, token, 10 * longMs)).toBe(false)
  await dedupe.release(key, token)
}

function weirdKeys(key: string): string[] {
  const long = 'x'.repeat(1_000)
  const emoji = '\u{1F4DE}'.repeat(1_000)
  const endings = [
    ' ',
    '\n',
    '\r\n',
    '\t',
    '\0',
    '\0\0',
    "'",
    "''",
    '"',
    '\\',
    "\\'",
    '%',
    '_',
    '?',
    '$1',
    '*',
    '{}',
  ]
  const scripts = ['مكالمة', 'é', 'e\u0301', '\u200b', '\u{1F4DE}', emoji, `${emoji}.`, long, `${long}y`]
  // Halves of surrogate pairs, which are one and the same in UTF-8.
  const halves = ['\ud800', '\udc00', '\ufffd', '\\ud800']
  return [
    ...[...endings, ...scripts, ...halves].map((ending) => key + ending),
    key.toUpperCase(),
    ` ${key}`,
    `{${key}}`,
    `${key}'; DROP TABLE hookswitch_dedupe; --`,
    // What stores put in front of keys and tokens, and what every object has.
    ...['sha256:', 'claim:', 'done:'].map((start) => start + key),
    '__proto__',
    'constructor',
  ]
}

type Act = { what: 'claim' | 'done' | 'release' | 'extend'; who: 0 | 1; key: 0 | 1 }

const act = fc.record<Act>({
  what: fc.constantFrom('claim', 'done', 'release', 'extend'),
  who: fc.constantFrom(0, 1),
  key: fc.constantFrom(0, 1),
})

/** Two that act on two keys, each with the token that it had last, beside a model of what must be. */
async function follow(connections: Dedupe[], prefix: string, acts: Act[]): Promise<void> {
  const states: ({ token: string; done: boolean } | undefined)[] = []
  const tokens = [
    ['none', 'none'],
    ['none', 'none'],
  ]
  for (const { what, who, key } of acts) {
    const dedupe = connections[who]
    const own = tokens[who]
    if (dedupe === undefined || own === undefined) throw new Error('there are two')
    const name = `${prefix} ${key}`
    const token = own[key] ?? 'none'
    const state = states[key]
    const isOwn = state?.token === token
    if (what === 'claim') {
      const answer = await dedupe.claim(name, longMs)
      expect(answer.state).toBe(state === undefined ? 'claimed' : state.done ? 'done' : 'busy')
      if (answer.state !== 'claimed') continue
      own[key] = answer.token
      states[key] = { token: answer.token, done: false }
    } else if (what === 'done') {
      expect(await dedupe.done(name, token, longMs)).toBe(isOwn)
      if (isOwn) states[key] = { token, done: true }
    } else if (what === 'extend') {
      expect(await dedupe.extend(name, token, longMs)).toBe(isOwn && !state.done)
    } else {
      await dedupe.release(name, token)
      if (isOwn && !state.done) states[key] = undefined
    }
  }
}
