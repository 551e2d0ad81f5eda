import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiClient, type ApiClient } from '../packages/cli/src/api/api-client.ts'
import type { ApiEvent } from '../packages/cli/src/api/api-event.ts'
import { firstStopSignal } from '../packages/cli/src/serve/stop-signals.ts'
import { runSimulation } from '../packages/cli/src/simulate/run-simulation.ts'
import { Tally } from '../packages/cli/src/simulate/tally.ts'
import { eventHint } from '../packages/cli/src/tail/event-hint.ts'
import { followStream } from '../packages/cli/src/tail/follow-stream.ts'
import { printable, printableValue } from '../packages/cli/src/terminal/printable.ts'
import { shellWord } from '../packages/cli/src/terminal/shell-word.ts'
import { createTerminal, type Style, type Terminal } from '../packages/cli/src/terminal/terminal.ts'
import { wrapText } from '../packages/cli/src/terminal/wrap.ts'
import { localClock } from '../packages/cli/src/time/moment.ts'
import { authorizationHeader, type CallRecord } from '../packages/events/src/index.ts'
import { retryPresets } from '../packages/sender/src/index.ts'
import { createSimulation, readFaults } from '../packages/sender/src/simulator/index.ts'
import { readEnvironment, resolveConfig, startServer } from '../packages/server/src/index.ts'

/**
 * A server, and voice agents that call: both end with Ctrl-C. The data folder is a temporary one that goes away with
 * them, so that every demo begins empty and what was made up is never mistaken for what was received.
 */

/** In real time: a new call about every fifteen seconds, so that two or three are live at once. */
const eventsPerSecond = 1

/** Its first four calls are of all four agents, in turn in English and in Arabic, and all are answered. */
const seed = '6'

/** What a newcomer will meet sooner or later, and should see handled. */
const faults = readFaults('duplicate=0.05,late-recording=0.3,null-fields=0.2')

/** A record follows its events within about a second. */
const recordMs = 5_000
const recordAskMs = 100

const terminal = createTerminal(process)

async function demonstrate(dataFolder: string): Promise<void> {
  const environment = readEnvironment(
    { PORT: process.env['PORT'] ?? '0', HOOKSWITCH_DATA_DIR: dataFolder, LOG_LEVEL: 'error' },
    dataFolder,
  )
  const config = resolveConfig({})
  const server = await startServer({ environment, config, ownModuleUrl: import.meta.url })
  const { webhookSecret, adminToken } = server.secrets
  const api = createApiClient(server.url, adminToken)
  const startAt = Date.now()
  const simulation = createSimulation({
    seed,
    startAt,
    calls: Infinity,
    rate: eventsPerSecond,
    faults,
  })
  const ending = new AbortController()
  const { signal } = ending
  terminal.print(greeting(server.url, dataFolder))
  const running = Promise.all([
    show(api, signal),
    runSimulation({
      simulation,
      to: `${server.url}/webhook`,
      authorization: authorizationHeader('Bearer', webhookSecret ?? ''),
      retryDelaysMs: retryPresets.guide,
      tally: new Tally(),
      signal,
    }),
  ])
  const died = server.died.then((cause) => {
    throw cause
  })
  try {
    await Promise.race([stopAsked, running, died])
  } finally {
    ending.abort()
    await running.catch(() => undefined)
    await server.stop()
  }
}

function greeting(url: string, dataFolder: string): string {
  const { port } = new URL(url)
  const commands = ['calls', 'tail'].map((command) => {
    return `    PORT=${port} HOOKSWITCH_DATA_DIR=${shellWord(dataFolder)} npx hookswitch ${command}`
  })
  return [
    '',
    `  ${terminal.paint('bold', 'Hookswitch')} listens on ${url}. Voice agents that are made up call it in real time;`,
    '  below is what it receives. Ctrl-C ends both, and removes the data.',
    '',
    '  From another terminal:',
    ...commands,
    '',
  ].join('\n')
}

const signs: Readonly<Record<string, [sign: string, word: string]>> = {
  'call.started': ['☎', 'calling'],
  'call.answered': ['✓', 'answered'],
  'transcription.update': [' ', ''],
  'tool.executed': ['⚙', ''],
  'call.ended': ['■', 'ended'],
}

const tagStyles: readonly Style[] = ['cyan', 'green', 'yellow']

/** Prints what the server has stored, as its stream brings it, and of each call that ends what is known of it. */
async function show(api: ApiClient, signal: AbortSignal): Promise<void> {
  const numbers = new Map<string, number>()
  const ended = new Set<string>()
  for await (const followed of followStream(api, { after: 0, signal })) {
    if (followed.kind !== 'event') continue
    const { event } = followed
    const number = numbers.get(event.callId) ?? numbers.size + 1
    numbers.set(event.callId, number)
    const tag = terminal.paint(tagStyles[number % tagStyles.length] ?? 'cyan', `#${number}`.padEnd(4))
    const clock = terminal.paint('dim', localClock(event.receivedAt))
    const print = (text: string): void => {
      // Numbers and times stand at the left of every line, so that Arabic at its end keeps to its own side.
      const indent = ' '.repeat('00:00:00  #1    '.length)
      const lines = wrapText(printable(text), linesColumns(terminal) - indent.length)
      terminal.print(
        [`${clock}  ${tag}  ${lines[0] ?? ''}`, ...lines.slice(1).map((line) => indent + line)].join('\n'),
      )
    }
    const isRepeat = event.type === 'call.ended' && ended.has(event.callId)
    print(isRepeat ? '■ the recording is there' : lineOf(event))
    if (event.type !== 'call.ended' || isRepeat) continue
    ended.add(event.callId)
    const record = await endedRecord(api, event.callId, signal)
    if (record !== null) print(`  ${outcomeOf(record)}`)
  }
}

/** Wider than this a line is hard to read. */
function linesColumns({ columns }: Terminal): number {
  return Math.min(columns, 110)
}

function lineOf(event: ApiEvent): string {
  const [sign, word] = signs[event.type] ?? ['?', event.type]
  const { agent, what } = eventHint(event)
  const isAboutCall = event.type === 'call.started' || event.type === 'call.ended'
  const who = isAboutCall ? ` · ${agent}` : ''
  return `${sign} ${[word, what].filter((text) => text !== '').join(' ')}${who}`
}

/** What the agent found out, in one line. */
function outcomeOf({ outcome }: CallRecord): string {
  const collected = Object.entries(outcome).filter(([, { origin }]) => origin === 'collected')
  return collected
    .map(([name, field]) => (field.state === 'null' ? `${name} –` : `${name} ${printableValue(field.value)}`))
    .join(' · ')
}

/** The record, as soon as it knows of the end; null if it takes too long, or the demo ends. */
async function endedRecord(api: ApiClient, callId: string, signal: AbortSignal): Promise<CallRecord | null> {
  const deadline = performance.now() + recordMs
  while (!signal.aborted && performance.now() < deadline) {
    const record = await api.get<CallRecord>(`/calls/${callId}`).catch(() => null)
    if (record?.value.status === 'ended') return record.value
    await new Promise((resolve) => setTimeout(resolve, recordAskMs))
  }
  return null
}

const stopAsked = firstStopSignal(process)
const folder = await mkdtemp(join(tmpdir(), 'hookswitch-demo-'))
try {
  await demonstrate(folder)
} catch (error) {
  terminal.note(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}
// Winding down, Node gives its signal handlers back, and a signal that npm passes on late would look like a kill.
process.exit()
