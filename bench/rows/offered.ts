import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, Run } from '../bench.ts'
import { ceiling } from '../ceiling.ts'
import { checkDelivered, type Delivered } from '../delivered.ts'
import { measureFsync } from '../fsync.ts'
import { callsOfOneEvent, type CallShape } from '../load/event.ts'
import { Histogram } from '../load/histogram.ts'
import { percentilesText, perSecond, runText, threadsText, type Outcome } from '../outcome.ts'
import { Receiver, receiverLimits } from '../receiver.ts'
import { cpuOf } from '../resources.ts'
import { Server, type ServerOptions } from '../server.ts'
import { checkStored } from '../stored.ts'

const sustainedShare = 0.3
const sustainedSeconds = 60
const sustainedLagSecondsMax = 1
/** The generator's clock may cost a little of an offered rate; more than that is the server's failure to keep up. */
const keptUpShare = 0.99

const ackPerSecond = 1_000
const ackSeconds = 30
const ackMsMin = 10
const ackFsyncFactor = 4

const lagPollMs = 250
const foldWaitMs = 60_000
const deliveryWaitMs = 60_000

export interface Offer {
  ratePerSecond: number
  windowMs: number
  /** By default each event makes a call of its own. */
  calls?: CallShape
  /** Gets every event, at `/ok`; then the load is over when all were delivered. */
  receiver?: Receiver
  /** Makes the server ready before the load. */
  prepare?: (server: Server) => Promise<void>
  server?: ServerOptions
}

export interface Offered {
  run: Run
  /** The most that the fold lagged while the window was open. */
  lagSecondsMax: number
  /** Every request was answered with 200, and nearly as many as were offered. */
  keptUp: boolean
  /** What came to the receiver, if there was one. */
  delivered: Delivered | null
  details: string[]
}

/** Offers a rate to a new store, whatever the answers, and watches the fold meanwhile. */
async function offer(bench: Bench, label: string, offered: Offer): Promise<Offered> {
  const { ratePerSecond, windowMs, calls = callsOfOneEvent, receiver } = offered
  const server = await Server.start(bench, label, offered.server)
  try {
    if (receiver !== undefined)
      await server.addWebhook('receiver', receiver.url('/ok'), { limits: receiverLimits })
    await offered.prepare?.(server)
    bench.say(`${label}: ${server.name}, ${perSecond(ratePerSecond)} offered, ${windowMs / 1000} s`)
    const before = cpuOf(server.pid)
    const window = new AbortController()
    let watching: Promise<number> = Promise.resolve(0)
    const load = await bench.load(
      server,
      { windowMs, warmUpMs: bench.warmUpMs(windowMs), ratePerSecond, calls },
      (open) => {
        if (open) watching = watchLag(server, window.signal)
        else window.abort()
      },
    )
    const lagSecondsMax = await watching
    await server.folded(foldWaitMs)
    await receiver?.received('/ok', load, deliveryWaitMs)
    const run = bench.note(label, server, load, before)
    const { seqs, text } = await checkStored(bench, server, load)
    const details = [
      runText(run),
      ...threadsText(run),
      `${perSecond(ratePerSecond)} offered; the fold lagged at most ${lagSecondsMax.toFixed(2)} s; ${text}`,
    ]
    if (load.lateness !== null) details.push(`the generator sent late by ${percentilesText(load.lateness)}`)
    let delivered: Delivered | null = null
    if (receiver !== undefined) {
      const { arrivals, microsPerRequest } = await receiver.arrivals('/ok', load)
      delivered = checkDelivered(load, arrivals, seqs, ratePerSecond)
      details.push(
        `delivered after ${percentilesText(delivered.latency)}; ${delivered.text}; ` +
          `the receiver took ${microsPerRequest.toFixed(1)} µs CPU a request`,
      )
    }
    const keptUp = load.window.perSecond >= ratePerSecond * keptUpShare && load.acknowledged === load.sent
    return { run, lagSecondsMax, keptUp, delivered, details }
  } finally {
    await server.stop()
  }
}

async function watchLag(server: Server, signal: AbortSignal): Promise<number> {
  let most = 0
  while (!signal.aborted) {
    most = Math.max(most, await server.foldLagSeconds())
    await delay(lagPollMs, undefined, { signal }).catch(() => undefined)
  }
  return most
}

/** The same with a receiver, whose deliveries are measured too. */
export async function offerAndDeliver(
  bench: Bench,
  label: string,
  offered: Omit<Offer, 'receiver'>,
): Promise<Offered & { delivered: Delivered }> {
  const receiver = await Receiver.start(bench)
  try {
    const result = await offer(bench, label, { ...offered, receiver })
    if (result.delivered === null) throw new Error('The receiver was not asked.')
    return { ...result, delivered: result.delivered }
  } finally {
    await receiver.stop()
  }
}

export async function sustained(bench: Bench): Promise<Outcome> {
  const bare = await ceiling(bench, 'sustained')
  const ratePerSecond = Math.round(bare.load.window.perSecond * sustainedShare)
  const windowMs = bench.windowMs(sustainedSeconds)
  const { run, lagSecondsMax, keptUp, details } = await offer(bench, 'sustained', { ratePerSecond, windowMs })
  return {
    row: 'sustained',
    state: 'measured',
    budget: `${sustainedShare} of bare, fold lag < ${sustainedLagSecondsMax} s`,
    measured: `${perSecond(run.load.window.perSecond)} of ${perSecond(ratePerSecond)}, lag ${lagSecondsMax.toFixed(2)} s`,
    met: keptUp && lagSecondsMax < sustainedLagSecondsMax,
    details: [...details, runText(bare)],
    figures: { ratePerSecond, lagSecondsMax, lagSecondsLimit: sustainedLagSecondsMax, keptUp },
  }
}

export async function ack(bench: Bench): Promise<Outcome> {
  const windowMs = bench.windowMs(ackSeconds)
  // Half of it before and half after the load; beside it, both would queue for the same disk.
  const fsyncs = new Histogram()
  bench.say('ack: fsync of the disk, before')
  await measureFsync(bench.folder, bench.warmUpMs(windowMs), fsyncs)
  const { run, keptUp, details } = await offerAndDeliver(bench, 'ack', {
    ratePerSecond: ackPerSecond,
    windowMs,
  })
  bench.say('ack: fsync of the disk, after')
  const fsync = await measureFsync(bench.folder, bench.warmUpMs(windowMs), fsyncs)
  const limitMs = Math.max(ackMsMin, ackFsyncFactor * fsync.p99)
  const { latency } = run.load
  return {
    row: 'ack',
    state: 'measured',
    budget: `p99 ≤ ${limitMs.toPrecision(3)} ms`,
    measured: `p99 ${latency.p99.toPrecision(3)} ms`,
    met: keptUp && latency.p99 <= limitMs,
    details: [...details, `fsync of 4 KiB in the same run: ${percentilesText(fsync)}`],
    figures: { limitMs, latency, fsync, keptUp },
  }
}
