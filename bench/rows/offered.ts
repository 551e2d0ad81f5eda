import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, Run } from '../bench.ts'
import { ceiling } from '../ceiling.ts'
import { measureFsync } from '../fsync.ts'
import { Histogram } from '../load/histogram.ts'
import { percentilesText, perSecond, runText, threadsText, type Outcome } from '../outcome.ts'
import { cpuOf } from '../resources.ts'
import { Server } from '../server.ts'
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

interface Offered {
  run: Run
  /** The most that the fold lagged while the window was open. */
  lagSecondsMax: number
  /** Every request was answered with 200, and nearly as many as were offered. */
  keptUp: boolean
  details: string[]
}

/** Offers a rate to a new store, whatever the answers, and watches the fold meanwhile. */
async function offer(bench: Bench, label: string, ratePerSecond: number, windowMs: number): Promise<Offered> {
  const server = await Server.start(bench, label, null)
  try {
    bench.say(`${label}: ${server.name}, ${perSecond(ratePerSecond)} offered, ${windowMs / 1000} s`)
    const before = cpuOf(server.pid)
    const window = new AbortController()
    let watching: Promise<number> = Promise.resolve(0)
    const load = await bench.load(
      server,
      { windowMs, warmUpMs: bench.warmUpMs(windowMs), ratePerSecond },
      (open) => {
        if (open) watching = watchLag(server, window.signal)
        else window.abort()
      },
    )
    const lagSecondsMax = await watching
    await server.folded(foldWaitMs)
    const run = bench.note(label, server, load, before)
    const stored = await checkStored(bench, server, load)
    const lateness =
      load.lateness === null ? [] : [`the generator sent late by ${percentilesText(load.lateness)}`]
    return {
      run,
      lagSecondsMax,
      keptUp: load.window.perSecond >= ratePerSecond * keptUpShare && load.acknowledged === load.sent,
      details: [
        runText(run),
        ...threadsText(run),
        `${perSecond(ratePerSecond)} offered; the fold lagged at most ${lagSecondsMax.toFixed(2)} s; ${stored}`,
        ...lateness,
      ],
    }
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

export async function sustained(bench: Bench): Promise<Outcome> {
  const bare = await ceiling(bench, 'sustained')
  const ratePerSecond = Math.round(bare.load.window.perSecond * sustainedShare)
  const offered = await offer(bench, 'sustained', ratePerSecond, bench.windowMs(sustainedSeconds))
  const { lagSecondsMax, keptUp } = offered
  return {
    row: 'sustained',
    state: 'measured',
    budget: `${sustainedShare} of bare, fold lag < ${sustainedLagSecondsMax} s`,
    measured: `${perSecond(offered.run.load.window.perSecond)} of ${perSecond(ratePerSecond)}, lag ${lagSecondsMax.toFixed(2)} s`,
    met: keptUp && lagSecondsMax < sustainedLagSecondsMax,
    details: [...offered.details, runText(bare)],
    figures: { ratePerSecond, lagSecondsMax, lagSecondsLimit: sustainedLagSecondsMax, keptUp },
  }
}

export async function ack(bench: Bench): Promise<Outcome> {
  const windowMs = bench.windowMs(ackSeconds)
  // Half of it before and half after the load; beside it, both would queue for the same disk.
  const fsyncs = new Histogram()
  bench.say('ack: fsync of the disk, before')
  await measureFsync(bench.folder, bench.warmUpMs(windowMs), fsyncs)
  const offered = await offer(bench, 'ack', ackPerSecond, windowMs)
  bench.say('ack: fsync of the disk, after')
  const fsync = await measureFsync(bench.folder, bench.warmUpMs(windowMs), fsyncs)
  const limitMs = Math.max(ackMsMin, ackFsyncFactor * fsync.p99)
  const { latency } = offered.run.load
  return {
    row: 'ack',
    state: 'measured',
    budget: `p99 ≤ ${limitMs.toPrecision(3)} ms`,
    measured: `p99 ${latency.p99.toPrecision(3)} ms`,
    met: offered.keptUp && latency.p99 <= limitMs,
    details: [...offered.details, `fsync of 4 KiB in the same run: ${percentilesText(fsync)}`],
    figures: { limitMs, latency, fsync, keptUp: offered.keptUp },
  }
}
