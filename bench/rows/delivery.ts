import type { Bench } from '../bench.ts'
import { checkDelivered } from '../delivered.ts'
import { callsOfFiveEvents } from '../load/event.ts'
import type { LoadResult } from '../load/load.ts'
import { perSecond, runText, threadsText, type Outcome } from '../outcome.ts'
import { PeerAbsent, startGuide } from '../peers/start.ts'
import { Receiver, receiverLimits } from '../receiver.ts'
import { cpuOf } from '../resources.ts'
import { Server } from '../server.ts'
import { checkStored } from '../stored.ts'
import { offerAndDeliver } from './offered.ts'

const deliveryPerSecond = 1_000
const deliverySeconds = 15
const deliveryMsMax = 100
const slowCommitMsMax = 200
/** What the module adds to every commit; no answer can come sooner. */
const addedCommitMs = 2
const slowCommit = new URL('../preload/slow-commit.ts', import.meta.url)

export async function delivery(bench: Bench): Promise<Outcome> {
  const offered = {
    ratePerSecond: deliveryPerSecond,
    windowMs: bench.windowMs(deliverySeconds),
    calls: callsOfFiveEvents,
  }
  const plain = await offerAndDeliver(bench, 'delivery', offered)
  const slow = await offerAndDeliver(bench, 'delivery-slow-commit', {
    ...offered,
    server: { preload: slowCommit },
  })
  if (slow.run.load.latency.p50 < addedCommitMs)
    throw new Error(`Nothing was added to the commits: half of the answers came within ${addedCommitMs} ms.`)
  const p99 = plain.delivered.latency.p99
  const slowP99 = slow.delivered.latency.p99
  return {
    row: 'delivery',
    state: 'measured',
    budget: `p99 ≤ ${deliveryMsMax} ms; ≤ ${slowCommitMsMax} ms with ${addedCommitMs} ms more a commit`,
    measured: `p99 ${p99.toPrecision(3)} ms; ${slowP99.toPrecision(3)} ms`,
    met: plain.keptUp && slow.keptUp && p99 <= deliveryMsMax && slowP99 <= slowCommitMsMax,
    details: [...plain.details, `with ${addedCommitMs} ms more a commit:`, ...slow.details],
    figures: {
      latency: plain.delivered.latency,
      slowCommitLatency: slow.delivered.latency,
      deliveryMsMax,
      slowCommitMsMax,
      keptUp: plain.keptUp && slow.keptUp,
    },
  }
}

/** What the guide's worker is tried with; the better one is compared with. */
const workerConcurrencies = [1, receiverLimits.concurrency]
/** Which one is better shows in a part of the events. */
const trialShare = 0.1
/** Slower than this a run is given up. */
const flatOutPerSecondMin = 100

interface FlatOut {
  seconds: number
  details: string[]
}

export async function flatOut(bench: Bench): Promise<Outcome> {
  const events = bench.options.deliveries
  const ours = await flatOutOnServer(bench, events)
  let better = { concurrency: 0, seconds: Number.POSITIVE_INFINITY }
  let recipe: FlatOut
  try {
    for (const concurrency of workerConcurrencies) {
      const { seconds } = await flatOutOnGuide(bench, Math.ceil(events * trialShare), concurrency)
      if (seconds < better.seconds) better = { concurrency, seconds }
    }
    recipe = await flatOutOnGuide(bench, events, better.concurrency)
  } catch (error) {
    if (error instanceof PeerAbsent) return { row: 'flat-out', state: 'skipped', reason: error.message }
    throw error
  }
  const factor = recipe.seconds / ours.seconds
  return {
    row: 'flat-out',
    state: 'measured',
    budget: "≥ 1 × the guide's recipe with its worker",
    measured: `${factor.toFixed(2)} × the recipe`,
    met: factor >= 1,
    details: [...ours.details, ...recipe.details],
    figures: {
      factor,
      events,
      oursSeconds: ours.seconds,
      recipeSeconds: recipe.seconds,
      concurrency: better.concurrency,
    },
  }
}

async function flatOutOnServer(bench: Bench, events: number): Promise<FlatOut> {
  const receiver = await Receiver.start(bench)
  const server = await Server.start(bench, 'flat-out')
  try {
    await server.addWebhook('receiver', receiver.url('/ok'), { limits: receiverLimits })
    const before = cpuOf(server.pid)
    const load = await flatOutLoad(bench, server, receiver, events)
    const run = bench.note('flat-out', server, load, before)
    const { seqs, text: stored } = await checkStored(bench, server, load)
    const { arrivals } = await receiver.arrivals('/ok', load)
    const { lastMs, text } = checkDelivered(load, arrivals, seqs, null)
    const seconds = (lastMs - load.startedMs) / 1000
    return {
      seconds,
      details: [secondsText(server.name, events, seconds), runText(run), ...threadsText(run), stored, text],
    }
  } finally {
    await receiver.stop()
    await server.stop()
  }
}

async function flatOutOnGuide(bench: Bench, events: number, concurrency: number): Promise<FlatOut> {
  const receiver = await Receiver.start(bench)
  try {
    const peer = await startGuide(bench, { concurrency, url: receiver.url('/ok') })
    try {
      const before = cpuOf(peer.pid)
      const load = await flatOutLoad(bench, peer, receiver, events)
      const run = bench.note('flat-out', peer, load, before)
      const { arrivals } = await receiver.arrivals('/ok', load)
      // The recipe gives no ids and promises no order.
      const { lastMs, text } = checkDelivered(load, arrivals, null, null)
      const seconds = (lastMs - load.startedMs) / 1000
      const name = `${peer.name} with a worker of concurrency ${concurrency}`
      return { seconds, details: [secondsText(name, events, seconds), runText(run), text] }
    } finally {
      await peer.stop()
    }
  } finally {
    await receiver.stop()
  }
}

/** Sends as fast as answers come, and waits for the last delivery. */
async function flatOutLoad(
  bench: Bench,
  target: { name: string; port: number; pid: number },
  receiver: Receiver,
  events: number,
): Promise<LoadResult> {
  bench.say(`flat-out: ${target.name}, ${events.toLocaleString('en-US')} events`)
  const windowMs = 30_000 + (events / flatOutPerSecondMin) * 1000
  const load = await bench.load(target, { windowMs, requestsMax: events, calls: callsOfFiveEvents })
  bench.say(`flat-out: taken in at ${perSecond(load.window.perSecond)}; waiting for the last delivery`)
  await receiver.received('/ok', load, windowMs)
  return load
}

function secondsText(name: string, events: number, seconds: number): string {
  return `${name}: ${events.toLocaleString('en-US')} events in ${seconds.toFixed(1)} s, ${perSecond(events / seconds)}`
}
