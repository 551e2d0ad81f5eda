import { fileURLToPath } from 'node:url'
import type { CallRecord } from '@hookswitch/events'
import {
  createUserCodeRunner,
  type Replacement,
  type UserCodeLine,
  type UserCodeRequest,
  type UserCodeResult,
  type UserCodeRunnerOptions,
} from '../src/user-code/user-code-runner.ts'

const configFile = fileURLToPath(new URL('./fixtures/user-code/hookswitch.config.ts', import.meta.url))

/** A runner with real threads on the config file of the fixtures, and what it said. */
export interface TestRunner {
  lines: UserCodeLine[]
  replaced: Replacement[]
  /** Runs code of the named destination: a function of the config file, or `jsonata` where that is given. */
  run(part: UserCodeRequest['part'], destination: string, given?: RunOptions): Promise<UserCodeResult>
  close(): Promise<void>
}

export interface RunOptions {
  jsonata?: string
  outcome?: Record<string, unknown>
  deliveryId?: string
  deadlineMs?: number
  signal?: AbortSignal
}

const never = new AbortController().signal
const open = new Set<TestRunner>()
let lastDelivery = 0

export function startRunner(options: Partial<UserCodeRunnerOptions> = {}): TestRunner {
  const lines: UserCodeLine[] = []
  const replaced: Replacement[] = []
  const runner = createUserCodeRunner({
    configFile,
    ownModuleUrl: 'node:none',
    log: (line) => lines.push(line),
    onReplaced: (replacement) => replaced.push(replacement),
    ...options,
  })
  const started: TestRunner = {
    lines,
    replaced,
    run(part, destination, given = {}) {
      lastDelivery += 1
      const { jsonata = null, outcome = {}, deadlineMs = 20_000, signal = never } = given
      const { deliveryId = `dlv_${lastDelivery}` } = given
      const context = { event, call, outcome }
      return runner.run({ destination, part, jsonata, context, attempt: 2, deliveryId, deadlineMs }, signal)
    },
    close: async () => {
      open.delete(started)
      await runner.close()
    },
  }
  open.add(started)
  return started
}

/** Ends what a failed test left behind. */
export async function closeRunners(): Promise<void> {
  await Promise.all([...open].map((runner) => runner.close()))
}

const event: UserCodeRequest['context']['event'] = {
  id: 'evt_1',
  seq: 1,
  callId: 'call_1',
  type: 'call.ended',
  occurredAt: '2026-06-01T00:00:00.000Z',
  receivedAt: '2026-06-01T00:00:00.100Z',
  source: 'hamsa',
  dialect: 'v1',
  issues: [],
  body: { eventType: 'call.ended', callId: 'call_1' },
}

const call: CallRecord = {
  callId: 'call_1',
  status: 'ended',
  agentId: 'agent-123',
  agentName: 'Recruiter',
  projectId: null,
  conversationId: null,
  sources: ['hamsa'],
  direction: null,
  channel: null,
  userNumber: '+15550100',
  agentNumber: null,
  startedAt: null,
  answeredAt: null,
  endedAt: null,
  ringSeconds: null,
  durationSeconds: 125,
  durationSource: 'reported',
  recordingUrl: null,
  transcriptSource: 'final',
  eventCount: 3,
  firstEventAt: '2026-06-01T00:00:00.000Z',
  lastEventAt: '2026-06-01T00:02:05.000Z',
  truncated: false,
  params: null,
  transcriptText: 'Agent: Hello!\nUser: Hi.',
  transcript: [
    { speaker: 'Agent', text: 'Hello!', at: null },
    { speaker: 'User', text: 'Hi.', at: null },
  ],
  outcome: {},
  tools: [],
}
