import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closeRunners, startRunner, type TestRunner } from './user-code-runner.ts'

let folder: string
let runner: TestRunner
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'hookswitch-user-code-'))
  runner = startRunner()
})
afterAll(async () => {
  await closeRunners()
  await rm(folder, { recursive: true })
})

const retry = (message: unknown) => ({ ok: false, verdict: 'retry', message, retryAfterMs: null })
const value = (expected: unknown) => ({ ok: true, value: expected })

describe('a function of the config file', () => {
  test.each([
    ['filter', 'ended', true],
    ['filter', 'async', false],
    ['filter', 'truthy', true],
    ['filter', 'function', true],
    ['template', 'text', { text: 'call_1: high' }],
    ['template', 'nothing', null],
    ['template', 'own-json', { visible: 'shown' }],
    ['template', 'thenable', 'in the end'],
    ['handler', 'returns-cyclic', null],
  ] as const)('%s "%s" gives %j', async (part, destination, expected) => {
    const outcome = { priority: 'high', resolved: 0 }
    expect(await runner.run(part, destination, { outcome })).toEqual(value(expected))
  })

  test('gets a copy of its own - what one changes no other sees', async () => {
    const outcome = { seen: 1 }
    expect(await runner.run('template', 'changes', { outcome })).toEqual(value(2))
    expect(await runner.run('template', 'changes', { outcome })).toEqual(value(2))
  })

  test('a handler is given what is documented, and logs without payloads by accident', async () => {
    expect(await runner.run('handler', 'sees', { outcome: { score: 7 }, deliveryId: 'dlv_sees' })).toEqual(
      value(null),
    )
    const place = { destination: 'sees', delivery: 'dlv_sees', event: 'evt_1' }
    const keys = 'attempt call deliveryId event log outcome signal'
    expect(runner.lines).toContainEqual({
      level: 'info',
      message: 'evt_1 call_1 score',
      fields: { keys, attempt: 2, aborted: false, ...place },
    })
    expect(runner.lines).toContainEqual({
      level: 'warn',
      message: 'with what is no scalar',
      fields: { count: 2, ...place },
    })
  })

  test('logs so many lines in one run and no more - a loop that logs must not fill the memory', async () => {
    await runner.run('handler', 'chatters')
    const lines = runner.lines.filter(({ fields }) => fields['destination'] === 'chatters')
    expect(lines).toHaveLength(100)
    expect(lines.at(-1)?.message).toBe('this run logs too much: further lines are left out')
  })

  test.each([
    ['error', retry('threw TypeError: cannot read priority of undefined')],
    ['rejected', { ...retry('rejected the event: no contact has this number'), verdict: 'reject' }],
    ['rejected-elsewhere', { ...retry('rejected the event: no contact'), verdict: 'reject' }],
    ['retryable', { ...retry('asked for another try: in maintenance'), retryAfterMs: 1_500 }],
    ['retryable-soon', retry('asked for another try: busy')],
    ['a-text', retry('threw "no", which is no error')],
    ['undefined', retry('threw undefined, which is no error')],
    ['an-object', retry('threw an object that is no error')],
    ['a-thrown-symbol', retry('threw Symbol(x), which is no error')],
    ['a-revoked-proxy', retry('threw something that cannot be read')],
    ['long', retry(expect.stringMatching(/^threw Error: x{980,990}…$/))],
    ['bad-thenable', retry('threw Error: no then')],
    ['rejects-late', retry('threw RangeError: late')],
  ])('a handler that throws (%s) has failed with what it threw', async (destination, expected) => {
    expect(await runner.run('handler', destination)).toEqual(expected)
  })

  test.each([
    ['cyclic', retry('returned what is not JSON: Converting circular structure to JSON')],
    ['big-integer', retry('returned what is not JSON: Do not know how to serialize a BigInt')],
    ['a-function', retry('returned a function, expected a JSON value')],
    ['a-symbol', retry('returned a symbol, expected a JSON value')],
    ['unreadable', retry(expect.stringMatching(/^(threw TypeError|returned what is not JSON): .*revoked$/))],
    ['large', { ...retry('returned 1200002 bytes of JSON, expected at most 1048576'), verdict: 'reject' }],
  ])('a template whose result is no message (%s) has failed', async (destination, expected) => {
    expect(await runner.run('template', destination)).toEqual(expected)
  })

  test('what is not in the file fails with where it was looked for', async () => {
    expect(await runner.run('filter', 'gone')).toEqual(
      retry('cannot be called: hookswitch.config.ts has no function filter at destination "gone" any more'),
    )
    const without = startRunner({ configFile: null })
    const { ok } = await without.run('handler', 'gone')
    expect(ok).toBe(false)
    await without.close()
  })

  test('a file that cannot be loaded any more fails what needs it, and nothing else', async () => {
    const configFile = path.join(folder, 'broken.config.ts')
    await writeFile(configFile, `throw new TypeError('CRM_URL is not set')`)
    const broken = startRunner({ configFile })
    expect(await broken.run('filter', 'ended')).toEqual(
      retry('cannot be called: broken.config.ts cannot be loaded any more: TypeError: CRM_URL is not set'),
    )
    expect(await broken.run('filter', 'any', { jsonata: '1 = 1' })).toEqual(value(true))
    await broken.close()
  })

  test('finds hookswitch without a package beside the file, also when it is imported late', async () => {
    const ownModule = path.join(folder, 'own-module.mjs')
    await writeFile(ownModule, `export const answer = 42`)
    const configFile = path.join(folder, 'own.config.ts')
    await writeFile(
      configFile,
      `import { answer } from 'hookswitch'
      const late = async () => (await import('hookswitch')).answer
      export default {
        destinations: [
          { name: 'now', template: () => answer },
          { name: 'late', template: late },
        ],
      }`,
    )
    const own = startRunner({ configFile, ownModuleUrl: pathToFileURL(ownModule).href })
    expect(await own.run('template', 'now')).toEqual(value(42))
    expect(await own.run('template', 'late')).toEqual(value(42))
    await own.close()
  })
})

describe('JSONata', () => {
  const evaluate = (part: 'filter' | 'template', jsonata: string, outcome: Record<string, unknown> = {}) =>
    runner.run(part, 'by-api', { jsonata, outcome })

  test.each([
    ['event.type', 'call.ended'],
    ['{ "text": call.agentName & ": " & outcome.priority }', { text: 'Recruiter: high' }],
    ['call.transcript.speaker', ['Agent', 'User']],
    ['outcome.nothing', null],
    ['$keys($)', ['event', 'call', 'outcome']],
    ['$millis() > 0 and $length($now()) > 0', true],
    // Functions are nothing that can be sent, and nothing of theirs is shown.
    ['$sum', null],
    ['[1, $sum, function($x) { $x }]', [1, null, null]],
    ['{ "a": 1, "f": function($x) { $x } }', { a: 1 }],
    // There is nothing to reach but the context.
    ['$lookup($sum, "implementation")', null],
    ['outcome.constructor', null],
    ['outcome.__proto__', null],
    ['process', null],
  ])('%s gives %j', async (expression, expected) => {
    expect(await evaluate('template', expression, { priority: 'high' })).toEqual(value(expected))
  })

  test.each([
    ['"a"', true],
    ['""', false],
    ['0', false],
    ['outcome.nothing', false],
    ['[]', false],
    ['{}', false],
    ['[false, 0]', false],
    ['[false, 1]', true],
    ['call.transcript[speaker = "User"]', true],
    ['call.transcript[speaker = "Nobody"]', false],
    ['$sum', false],
  ])('as a filter, %s is %j - what the language itself holds to be true', async (expression, expected) => {
    expect(await evaluate('filter', expression)).toEqual(value(expected))
  })

  test.each([
    ['recursion', '($f := function($x) { 1 + $f($x) }; $f(1))', /^failed \(D1011.*\): Stack overflow/],
    ['a range', '$sum([1..1e6])', /^failed \(D2015.*\): The maximum sequence length of .* was exceeded/],
    ['a text', '($f := function($x) { $f($x & $x) }; $f("hello"))', /^made a text of more than 8388608 /],
    ['a wrong type', '"a" + 1', /^failed \(T2001, before character 5\): The left side of the "\+" operator /],
    ['its own error', '$error("no priority")', /^failed \(D3137.*\): no priority$/],
    ['$eval', '$eval("1 + 1")', /^calls \$eval, which is not there/],
    ['what does not parse', 'a =\n = b', /^is not JSONata at line 2, column 2: /],
  ])('fails with a reason on %s: %s', async (_what, expression, message) => {
    expect(await evaluate('template', expression)).toEqual(retry(expect.stringMatching(message)))
  })

  test.each([
    ['calls itself in last place for ever', '($f := function($x) { $f($x) }; $f(1))'],
    ['takes each with each of a long list', '$count([1..50000].($x := $; [1..50000].($ + $x)))'],
    [
      'reduces without end',
      '($f := function($n) { $f($reduce([1..100], function($a, $b) { $a + $b })) }; $f(1))',
    ],
  ])('an expression that %s ends at its deadline, and others go on beside it', async (_what, jsonata) => {
    const beside = startRunner()
    await beside.run('filter', 'ended')
    const endless = beside.run('filter', 'endless', { jsonata, deadlineMs: 700 })
    const hasEnded = endless.then(() => true)
    let others = 0
    while ((await Promise.race([hasEnded, beside.run('filter', 'ended')])) !== true) others += 1
    expect(await endless).toEqual(
      retry(
        expect.stringMatching(/^did not end within 0\.[78] s: is there a recursion or a loop without end\?$/),
      ),
    )
    // Others have their turn every few milliseconds; a handful would do to show that they have one.
    expect(others).toBeGreaterThan(5)
    // It had all the time of the thread that it could get; from now on it has a thread to itself.
    expect(beside.lines.map(({ fields }) => fields)).toEqual([{ destination: 'endless' }])
    expect(beside.replaced).toEqual([])
    await beside.close()
  })

  test('many expressions are kept ready and more come through all the same', async () => {
    const sums = Array.from({ length: 600 }, (_, index) => evaluate('template', `${index} + 1`))
    expect(await Promise.all(sums)).toEqual(sums.map((_, index) => value(index + 1)))
  })
})

describe("the guide's urgent calls", () => {
  // "priority is urgent, or not resolved": agents whose schema has no field `resolved` never send it.
  const cases = [
    ['absent', { priority: 'low' }],
    ['null', { priority: 'low', resolved: null }],
    ['false', { priority: 'low', resolved: false }],
    ['true', { priority: 'low', resolved: true }],
    ['absent, but urgent', { priority: 'urgent' }],
  ] as const

  const answers = async (destination: string, jsonata?: string): Promise<Record<string, unknown>> => {
    const asked = cases.map(async ([name, outcome]) => {
      const answer = await runner.run('filter', destination, {
        outcome,
        ...(jsonata === undefined ? {} : { jsonata }),
      })
      return [name, answer.ok ? answer.value : answer.message] as const
    })
    return Object.fromEntries(await Promise.all(asked))
  }

  const never = { null: false, true: false, 'absent, but urgent': true }

  test('in TypeScript, `!outcome.resolved` takes every call of an agent without that field', async () => {
    const all = { absent: true, null: true, false: true }
    expect(await answers('urgent')).toEqual({ ...never, ...all })
  })

  test('in TypeScript, `outcome.resolved === false` takes those of which it was said', async () => {
    expect(await answers('urgent-said')).toEqual({ ...never, absent: false, false: true })
  })

  test('in JSONata, `$not(…)` of what is absent is absent itself, and of null it is true', async () => {
    const expression = `outcome.priority = 'urgent' or $not(outcome.resolved)`
    expect(await answers('x', expression)).toEqual({ ...never, absent: false, null: true, false: true })
  })

  test('in JSONata, `$exists(…)` is true of null: it asks whether the field came', async () => {
    const expression = `outcome.priority = 'urgent' or $exists(outcome.resolved)`
    expect(await answers('x', expression)).toEqual({
      ...never,
      absent: false,
      null: true,
      false: true,
      true: true,
    })
  })

  test('in JSONata, `outcome.resolved = false` takes those of which it was said', async () => {
    const expression = `outcome.priority = 'urgent' or outcome.resolved = false`
    expect(await answers('x', expression)).toEqual({ ...never, absent: false, false: true })
  })

  test('in JSONata, neither `not` nor `!` is an operator, and both are refused', async () => {
    for (const negation of ['not outcome.resolved', '!outcome.resolved']) {
      const answer = await runner.run('filter', 'x', {
        jsonata: `outcome.priority = 'urgent' or ${negation}`,
      })
      expect(answer).toEqual(retry(expect.stringMatching(/^is not JSONata at line 1, column (36|32): /)))
    }
  })
})
