import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { startReceiverProgram, type ReceiverProgram } from '@hookswitch/testkit'
import { faultPresets, type FaultName } from '../packages/sender/src/simulator/faults.ts'
import { createSimulation, type SimulatedCall } from '../packages/sender/src/simulator/index.ts'
import { sourceOf } from './constant-reader.ts'
import { codesIn, fencesOf, rowsUnder, sectionOf } from './page-reader.ts'
import { repositoryRoot } from './repository.ts'

// What rehearse.md says of the guide's samples, seen on its Express handler under the simulator.

const page = 'docs/rehearse.md'
const guideHandler = join(repositoryRoot, 'packages/sender/test/fixtures/guide-express.js')
const calls = 8

let receiver: ReceiverProgram | undefined

afterEach(() => receiver?.end())

interface Sent {
  call: SimulatedCall
  type: string
  status: number
}

interface Update {
  where: { applicationId?: string }
  data: { conversationId: string; recordingUrl: string | null }
}

/** Sends calls that all have this fault to the guide's Express handler, each request when the one before is answered. */
async function under(fault: FaultName): Promise<{ sent: Sent[]; updates: Update[]; output: string }> {
  receiver = await startReceiverProgram(process.execPath, guideHandler, { WEBHOOK_SECRET: 'Bearer right' })
  const faults = { ...faultPresets.none, [fault]: 1 }
  const startAt = Date.parse('2026-01-31T12:00:00Z')
  const simulation = createSimulation({ seed: '3', startAt, calls, rate: 5, faults })
  const post = (body: string | Uint8Array<ArrayBuffer>, token = 'right'): Promise<Response> =>
    fetch(`${receiver?.url}/webhook`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body,
    })
  const sent: Sent[] = []
  for (const call of simulation.calls()) {
    for (const { event, token } of call.sends) {
      const { type, body } = call.events[event] as SimulatedCall['events'][number]
      sent.push({ call, type, status: (await post(body(), token)).status })
    }
  }
  // What it reports comes by another way than its answers; once this is there, all is.
  await post('{"eventType":"transcription.update","callId":"the-last-one"}')
  await receiver.wrote('"callId":"the-last-one"')
  const updates = (await receiver.reported('database.calls.update', 0)) as Update[]
  return { sent, updates, output: receiver.output() }
}

const endsOf = (sent: Sent[]): Sent[] =>
  sent.filter(({ type, status }) => type === 'call.ended' && status !== 401)

test('huge-transcript: the ends of such calls are refused - express.json() takes 100 kB', async () => {
  const { sent, updates } = await under('huge-transcript')
  const huge = endsOf(sent).filter(({ call }) => call.faults.includes('huge-transcript'))
  expect(huge.length).toBeGreaterThan(0)
  expect(new Set(huge.map(({ status }) => status))).toEqual(new Set([413]))
  expect(updates).toHaveLength(endsOf(sent).length - huge.length)
})

test('second-dialect: the other form is answered with 200, and nothing is done', async () => {
  const { sent, updates, output } = await under('second-dialect')
  expect(new Set(sent.map(({ status }) => status))).toEqual(new Set([200]))
  expect(endsOf(sent)).toHaveLength(2 * calls)
  expect(updates).toHaveLength(calls)
  expect(output.match(/Event: undefined/g)).toHaveLength(calls)
})

test('json-string-outcome: an outcome that is a text has no identifier', async () => {
  const plain = await under('delay')
  await receiver?.end()
  const { updates } = await under('json-string-outcome')
  const identified = (all: Update[]): number =>
    all.filter(({ where }) => where.applicationId !== undefined).length
  expect(identified(plain.updates)).toBeGreaterThan(0)
  expect(identified(updates)).toBeLessThan(identified(plain.updates))
})

test('duplicate: the update is made twice', async () => {
  const { updates } = await under('duplicate')
  const conversations = updates.map(({ data }) => data.conversationId)
  expect(conversations).toHaveLength(2 * calls)
  expect(new Set(conversations).size).toBe(calls)
})

test('late-recording: the recording is null at first, and comes with a second end', async () => {
  const { updates } = await under('late-recording')
  const byCall = Map.groupBy(updates, ({ data }) => data.conversationId)
  const late = [...byCall.values()]
    .map((ofCall) => ofCall.map(({ data }) => data.recordingUrl !== null))
    .filter((ofCall) => ofCall.length > 1)
  expect(late.length).toBeGreaterThan(0)
  for (const ofCall of late) expect(ofCall).toEqual([false, true])
})

test('wrong-token: each such request is refused, and no other', async () => {
  const { sent } = await under('wrong-token')
  const refused = sent.filter(({ status }) => status === 401)
  expect(refused).toHaveLength(sent.length / 2)
})

test('what the page quotes stands in the samples, where they are rebuilt', () => {
  const samples = ['guide-express.js', 'guide-idempotency.cjs']
    .map((file) => sourceOf(`packages/sender/test/fixtures/${file}`))
    .join('\n')
  const quoted = rowsUnder(page, "What the guide's samples do").flatMap(([first = '']) => codesIn(first))
  const elsewhere = ['Promise.race', 'outcomeResult.noticePeriod', 'priority ===', 'Object.values']
  const missing = quoted.filter((code) => !samples.includes(code))
  expect(missing.filter((code) => !elsewhere.some((begin) => code.startsWith(begin)))).toEqual([])
})

test('the library makes ten calls, the same each time', () => {
  const [example] = fencesOf(sectionOf(page, 'As a library'), 'ts')
  const args = ['--conditions=hookswitch-source', '--input-type=module-typescript', '-e', example?.text ?? '']
  const run = (): string => execFileSync(process.execPath, args, { cwd: repositoryRoot, encoding: 'utf8' })
  const printed = run()
  expect(printed.trim().split('\n')).toHaveLength(10)
  expect(printed).toMatch(/^(?:call_\w+ \d+\n)+$/)
  expect(run()).toBe(printed)
})
