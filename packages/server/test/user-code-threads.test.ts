import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '@hookswitch/testkit'
import type { UserCodeResult } from '../src/user-code/user-code-runner.ts'
import { closeRunners, startRunner, type TestRunner } from './user-code-runner.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-user-code-'))
})
afterEach(closeRunners)
afterAll(() => rm(folder, { recursive: true }))

/** As in production, but sooner. */
const limits = { lookMs: 50, silentMs: 700, replaceOverdueMs: 900, replaceMs: 2_000, graceMs: 300 }

const value = (expected: unknown) => ({ ok: true, value: expected })
const retry = (message: RegExp) => ({
  ok: false,
  verdict: 'retry',
  message: expect.stringMatching(message) as string,
  retryAfterMs: null,
})
const interrupted = (message: RegExp) => ({ ...retry(message), verdict: 'interrupted' })

const noControl =
  /^did not give control back for [\d.]+ s, the work thread was replaced \(a loop without end, or/
const backtracking = '/^(a+)+$/'

/** Which thread runs what the config file's destination "thread" returns: one that all share. */
async function commonThread(runner: TestRunner): Promise<unknown> {
  const answer = await runner.run('template', 'thread')
  return answer.ok ? answer.value : answer.message
}

function many(count: number, run: () => Promise<UserCodeResult>): Promise<UserCodeResult[]> {
  return Promise.all(Array.from({ length: count }, run))
}

/** The threads that this process has. */
function threads(): number {
  return (process.report.getReport() as { workers: unknown[] }).workers.length
}

describe('code that does not give control back', () => {
  test.each([
    ['a loop in a filter', 'filter', 'loops', undefined],
    ['a loop in a handler', 'handler', 'loops-in-handler', undefined],
    ['a regular expression in a filter', 'filter', 'backtracks', undefined],
    [
      'a regular expression in JSONata',
      'filter',
      'by-api',
      `$match("${'a'.repeat(40)}b", ${backtracking}) != []`,
    ],
    ['a loop that began after a wait', 'handler', 'loops-later', undefined],
  ] as const)('%s costs its own attempt, once and again', async (_what, part, destination, jsonata) => {
    const runner = startRunner({ limits })
    await runner.run('filter', 'ended')
    const given = { deadlineMs: 500, ...(jsonata === undefined ? {} : { jsonata }) }
    const stuck = runner.run(part, destination, given)
    // These were handed to the same thread, and have not begun there when it is found silent.
    const beside = many(50, () => runner.run('filter', 'ended'))
    expect(await beside).toEqual(Array(50).fill(value(true)))
    expect(await stuck).toEqual(retry(noControl))
    await until('the thread to be replaced', () => Promise.resolve(runner.replaced.length > 0))
    expect(runner.replaced).toEqual([{ cause: 'silent', destination }])

    // From now on it can only hurt itself.
    const common = await commonThread(runner)
    const again = runner.run(part, destination, given)
    expect(await many(50, () => runner.run('filter', 'ended'))).toEqual(Array(50).fill(value(true)))
    expect(await again).toEqual(retry(noControl))
    await until('the thread to be replaced', () => Promise.resolve(runner.replaced.length > 1))
    expect(await commonThread(runner)).toBe(common)
  })

  test('what had begun beside it is interrupted, and does not count', async () => {
    const runner = startRunner({ limits })
    await runner.run('filter', 'ended')
    const waiting = runner.run('handler', 'waits')
    const stuck = runner.run('filter', 'loops', { deadlineMs: 500 })
    expect(await stuck).toEqual(retry(noControl))
    // This one has time left: the thread may come back until it was silent for too long.
    expect(await waiting).toEqual(interrupted(/^was interrupted: something that ran beside it did not give/))
    expect(runner.replaced).toEqual([{ cause: 'silent', destination: 'loops' }])
  })

  test('where nobody knows who it was, nothing counts at first - and the one that is there again does', async () => {
    const runner = startRunner({ limits: { ...limits, quarantineMax: 1 } })
    await runner.run('filter', 'ended')
    const nobody = { cause: 'silent', destination: null }
    const both = () => [
      runner.run('handler', 'never', { deliveryId: 'dlv_never', deadlineMs: 10_000 }),
      runner.run('handler', 'loops-later', { deliveryId: 'dlv_loops', deadlineMs: 10_000 }),
    ]
    expect(await Promise.all(both())).toEqual(
      Array(2).fill(interrupted(/^was interrupted: something that ran beside it did not give control back/)),
    )
    // Both share the one thread that there is for such code.
    expect(await Promise.all(both())).toEqual(
      Array(2).fill(retry(/^was running again when something did not give control back/)),
    )
    expect(runner.replaced).toEqual([nobody, nobody])
  })

  test('other lanes of the same destination wait for their turn, and come through', async () => {
    const runner = startRunner({ limits })
    expect(await runner.run('filter', 'loops', { deadlineMs: 500 })).toEqual(retry(noControl))
    const stuck = many(2, () => runner.run('filter', 'loops', { deadlineMs: 500 }))
    const fine = many(20, () => runner.run('filter', 'loops', { outcome: { loop: false } }))
    expect(await fine).toEqual(Array(20).fill(value(true)))
    // The second of them may not have had its turn in its time.
    for (const { ok } of await stuck) expect(ok).toBe(false)
  })

  test('a thread that comes back in time ends what it has begun, and its code runs apart from then on', async () => {
    const runner = startRunner({ limits: { ...limits, replaceOverdueMs: 20_000, replaceMs: 20_000 } })
    const before = await commonThread(runner)
    const waiting = runner.run('handler', 'naps')
    expect(await runner.run('handler', 'computes')).toEqual(value(null))
    expect(await waiting).toEqual(value(null))
    expect(await commonThread(runner)).not.toBe(before)
    expect(runner.replaced).toEqual([])
  })
})

describe('code that does not end', () => {
  test('is told at its deadline, and does not hold up others', async () => {
    const runner = startRunner({ limits })
    const told = runner.run('handler', 'waits', { deadlineMs: 200, deliveryId: 'dlv_told' })
    const never = runner.run('handler', 'never', { deadlineMs: 200 })
    expect(await runner.run('filter', 'ended')).toEqual(value(true))
    expect(await told).toEqual(retry(/^did not end within 0\.\d s$/))
    expect(await never).toEqual(retry(/^did not end within 0\.\d s$/))
    expect(runner.lines).toContainEqual({
      level: 'info',
      message: 'told to end',
      fields: { name: 'TimeoutError', destination: 'waits', delivery: 'dlv_told', event: 'evt_1' },
    })
  })

  test('may still end well when it is told - what is done is done', async () => {
    const runner = startRunner()
    expect(await runner.run('handler', 'finishes-when-told', { deadlineMs: 100 })).toEqual(value(null))
    expect(await runner.run('handler', 'finishes-when-told', { signal: AbortSignal.timeout(100) })).toEqual(
      value(null),
    )
  })

  test('may end later, which changes nothing and is noted', async () => {
    const runner = startRunner({ limits })
    const late = runner.run('handler', 'ends-late', { deadlineMs: 100, deliveryId: 'dlv_late' })
    expect(await late).toEqual(retry(/^did not end within/))
    const line = await until('the code to end', () =>
      Promise.resolve(runner.lines.find(({ level }) => level === 'debug')),
    )
    expect(line).toEqual({
      level: 'debug',
      message: 'user code ended after it was given up',
      fields: { destination: 'ends-late', delivery: 'dlv_late', part: 'handler' },
    })
  })

  test("ends with the caller's signal, as a timeout or as an interruption", async () => {
    const runner = startRunner({ limits })
    await runner.run('filter', 'ended')
    const [deadline, stop] = [new AbortController(), new AbortController()]
    const overdue = runner.run('handler', 'waits', { signal: deadline.signal })
    const stopped = runner.run('handler', 'waits', { signal: stop.signal })
    await runner.run('filter', 'ended')
    deadline.abort(new DOMException('over', 'TimeoutError'))
    stop.abort()
    expect(await overdue).toEqual(retry(/^did not end within/))
    expect(await stopped).toEqual(interrupted(/^was interrupted: the server stops$/))
  })

  test('is not collected without bound - a thread that holds too much of it makes way', async () => {
    const runner = startRunner({ limits: { ...limits, graceMs: 0, overdueMax: 3 } })
    const before = await commonThread(runner)
    await many(4, () => runner.run('handler', 'never', { deadlineMs: 100 }))
    await until('another thread', async () => (await commonThread(runner)) !== before)
    expect(runner.replaced).toEqual([])
  })
})

describe('code that breaks its thread', () => {
  const small = { ...limits, memoryBytesMax: 48 * 1024 * 1024 }

  test.each([
    ['a handler that keeps small things', 'grows', undefined],
    ['a handler that keeps large things', 'grows-by-much', undefined],
    ['an expression', 'by-api', '$map([1..100000], function($i) { [$i..$i + 90000] })'],
  ] as const)('by its memory (%s) costs its own attempt', async (_what, destination, jsonata) => {
    const runner = startRunner({ limits: small })
    await runner.run('filter', 'ended')
    const waiting = runner.run('handler', 'naps')
    const part = jsonata === undefined ? 'handler' : 'template'
    const growing = runner.run(part, destination, jsonata === undefined ? {} : { jsonata })
    expect(await growing).toEqual(retry(/^took \d+ MiB of memory, the work thread was replaced$/))
    expect((await waiting).ok || (await waiting)).toEqual(
      expect.toSatisfy((answer: unknown) => answer === true || isInterrupted(answer)),
    )
    expect(await many(20, () => runner.run('filter', 'ended'))).toEqual(Array(20).fill(value(true)))
    expect(runner.replaced).toEqual([{ cause: 'memory', destination }])
  })

  test('by process.exit costs its own attempt', async () => {
    const runner = startRunner({ limits })
    await runner.run('filter', 'ended')
    const waiting = runner.run('handler', 'waits')
    const done = runner.run('handler', 'sees')
    expect(await runner.run('handler', 'exits')).toEqual(retry(/^ended the work thread \(exit code 3\)$/))
    expect(await done).toEqual(value(null))
    expect(await waiting).toEqual(
      interrupted(/^was interrupted: something that ran beside it ended the work/),
    )
    expect(await runner.run('filter', 'ended')).toEqual(value(true))
    expect(runner.replaced).toEqual([{ cause: 'died', destination: 'exits' }])
  })

  test.each([
    ['leaves-rejection', 'RangeError', 'user code left a rejected promise behind'],
    ['leaves-exception', 'TypeError', 'user code threw where nobody catches it'],
  ])(
    'by what nobody catches (%s) breaks nothing, and is noted without what it says',
    async (destination, error, message) => {
      const runner = startRunner({ limits })
      const before = await commonThread(runner)
      expect(await runner.run('handler', destination, { deliveryId: 'dlv_stray' })).toEqual(value(null))
      const line = await until('the line', () => Promise.resolve(runner.lines[0]))
      expect(line).toEqual({ level: 'warn', message, fields: { destination, delivery: 'dlv_stray', error } })
      expect(await commonThread(runner)).toBe(before)
    },
  )
})

describe('threads', () => {
  test('of destinations of their own are bounded, and end when they have nothing to do', async () => {
    const before = threads()
    const runner = startRunner({ limits: { ...limits, quarantineMax: 2, idleMs: 1_500 } })
    const endless = '($f := function($x) { $f($x) }; $f(1))'
    const names = ['one', 'two', 'three', 'four']
    const all = (jsonata: string) =>
      Promise.all(names.map((name) => runner.run('filter', name, { jsonata, deadlineMs: 2_000 })))
    await all(endless)
    expect(await all('true')).toEqual(Array(4).fill(value(true)))
    // One for all others, and two for these four.
    expect(threads() - before).toBe(3)
    await until('the threads to end', () => Promise.resolve(threads() - before === 1))
    expect(await all('true')).toEqual(Array(4).fill(value(true)))
  })

  test('start on use, or at once where that is asked for', async () => {
    const before = threads()
    const cold = startRunner()
    startRunner({ warm: true })
    await until('one thread', () => Promise.resolve(threads() === before + 1))
    await cold.run('filter', 'ended')
    expect(threads()).toBe(before + 2)
    await closeRunners()
    expect(threads()).toBe(before)
  })

  test.each([
    [
      'hangs',
      `setInterval(() => {}, 1_000); await new Promise(() => {})`,
      500,
      /: it was not ready after 0\.5 s$/,
    ],
    ['loops', `for (;;);`, 500, /: it was not ready after 0\.5 s$/],
    ['exits', `process.exit(4)`, 20_000, /: exit code 4$/],
  ])(
    'that cannot start, since the config file %s, fail what waits for them',
    async (name, text, startMs, message) => {
      const configFile = path.join(folder, `${name}.config.ts`)
      await writeFile(configFile, text)
      const runner = startRunner({ configFile, limits: { ...limits, startMs } })
      const answers = await many(3, () => runner.run('filter', 'ended'))
      expect(answers).toEqual(Array(3).fill(retry(/^cannot be run: the work thread did not start: /)))
      expect(answers[0]).toEqual(retry(message))
    },
  )

  test("are waited for no longer than the caller's signal allows", async () => {
    const runner = startRunner({ limits })
    const signal = AbortSignal.timeout(0)
    const answer = runner.run('filter', 'ended', { signal })
    expect(await answer).toEqual(retry(/^did not begin within [\d.]+ s: no work thread has started$/))
  })

  test('end with the runner, whatever runs in them', async () => {
    const before = threads()
    const runner = startRunner({ limits })
    await runner.run('filter', 'ended')
    const willing = runner.run('handler', 'finishes-when-told')
    const unwilling = runner.run('handler', 'never')
    await runner.run('filter', 'ended')
    const stuck = runner.run('handler', 'says-and-loops')
    await until('the loop to begin', () => Promise.resolve(runner.lines.length > 0))
    const unbegun = runner.run('filter', 'ended')
    await runner.close()
    expect(threads()).toBe(before)
    // The loop keeps the first from hearing that it is to end.
    const stops = /^was interrupted: the server stops$/
    expect(await Promise.all([willing, unwilling, stuck, unbegun])).toEqual(Array(4).fill(interrupted(stops)))
    expect(await runner.run('filter', 'ended')).toEqual(interrupted(/^was interrupted before it began$/))
  })

  test('end with the runner after what heeds its signal has ended', async () => {
    const runner = startRunner({ limits })
    await runner.run('filter', 'ended')
    const willing = runner.run('handler', 'finishes-when-told')
    await runner.run('filter', 'ended')
    await runner.close()
    expect(await willing).toEqual(value(null))
  })
})

function isInterrupted(answer: unknown): boolean {
  return (answer as { verdict?: string }).verdict === 'interrupted'
}
