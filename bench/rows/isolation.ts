import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Bench } from '../bench.ts'
import { checkDelivered } from '../delivered.ts'
import { newCallIdSuffix } from '../load/event.ts'
import type { Percentiles } from '../load/histogram.ts'
import { mean, percentilesText, perSecond, runText, type Outcome } from '../outcome.ts'
import { Receiver, type Manner } from '../receiver.ts'
import { cpuOf } from '../resources.ts'
import { Server } from '../server.ts'
import { checkStored } from '../stored.ts'
import { offerAndDeliver } from './offered.ts'

const skewPerSecond = 500
const skewSeconds = 10
const skewFactorMax = 1.2
const badManners: readonly Manner[] = ['/hangs', '/fails', '/slow']
/** As many sends at once as a destination may have: they take all that the server gives to one of them. */
const badConcurrency = 1_000

/** A fast destination alone, beside three bad ones that get the same events, and alone again. */
export async function skew(bench: Bench): Promise<Outcome> {
  const offered = { ratePerSecond: skewPerSecond, windowMs: bench.windowMs(skewSeconds) }
  const before = await offerAndDeliver(bench, 'skew-alone-1', offered)
  const bad = await Receiver.start(bench)
  let beside
  try {
    beside = await offerAndDeliver(bench, 'skew', {
      ...offered,
      prepare: async (server) => {
        for (const manner of badManners) {
          await server.addWebhook(manner.slice(1), bad.url(manner), {
            limits: { concurrency: badConcurrency },
          })
        }
      },
    })
  } finally {
    await bad.stop()
  }
  const after = await offerAndDeliver(bench, 'skew-alone-2', offered)
  const alone = [before, after].map(({ delivered }) => delivered.latency)
  const latency = beside.delivered.latency
  const factor = latency.p99 / mean(alone.map(({ p99 }) => p99))
  return {
    row: 'skew',
    state: 'measured',
    budget: `p99 ≤ ${skewFactorMax} × without the bad ones`,
    measured: `${factor.toFixed(2)} ×, p99 ${latency.p99.toPrecision(3)} ms`,
    met: beside.keptUp && factor <= skewFactorMax,
    details: [
      ...beside.details,
      ...alone.map((one) => `without the bad ones delivered after ${percentilesText(one)}`),
    ],
    figures: { factor, skewFactorMax, latency, alone, keptUp: beside.keptUp },
  }
}

const retriesPerSecond = 200
const retriesSeconds = 8
/** The budget of `delivery`: it holds beside a pile too. */
const firstAttemptMsMax = 100
/** Half of these fail, and are the pile. */
const pileCalls = 400
/** Each lane of the pile is due again at once, and more often than the load lasts. */
const pileRetry = { delaysSeconds: Array.from({ length: 50 }, () => 0.1) }
const recoveryMs = 60_000

type Pile = 'none' | 'pile' | 'pile by due time'

export async function retries(bench: Bench): Promise<Outcome> {
  const none = await firstAttempts(bench, 'none')
  const beside = await firstAttempts(bench, 'pile')
  const byDueTime = await firstAttempts(bench, 'pile by due time')
  const factor = beside.latency.p99 / none.latency.p99
  return {
    row: 'retries',
    state: 'measured',
    budget: `p99 of first attempts ≤ ${firstAttemptMsMax} ms`,
    measured: `p99 ${beside.latency.p99.toPrecision(3)} ms, ${factor.toFixed(2)} × without a pile`,
    met: beside.latency.p99 <= firstAttemptMsMax,
    details: [
      ...beside.details,
      `without a pile delivered after ${percentilesText(none.latency)}`,
      `beside a pile, all lanes in the order of their due times, delivered after ` +
        `${percentilesText(byDueTime.latency)} (the pile ends with the load)`,
    ],
    figures: { factor, latency: beside.latency, withoutPile: none.latency, byDueTime: byDueTime.latency },
  }
}

/**
 * One destination at which a pile of lanes fails again and again, each time after a second, while new calls come and
 * succeed: how long those take. Everything is delivered in the end.
 */
async function firstAttempts(bench: Bench, pile: Pile): Promise<{ latency: Percentiles; details: string[] }> {
  const label = `retries-${pile.replaceAll(' ', '-')}`
  const receiver = await Receiver.start(bench)
  const server = await Server.start(bench, label)
  try {
    if (pile === 'pile by due time') orderByDueTime(server)
    await server.addWebhook('receiver', receiver.url('/pile'), { retry: pileRetry })
    const callIdSuffix = newCallIdSuffix()
    receiver.fail(pile === 'none' ? null : callIdSuffix)
    const windowMs = bench.windowMs(retriesSeconds)
    bench.say(`${label}: ${server.name}, ${perSecond(retriesPerSecond)} offered, ${windowMs / 1000} s`)
    const first = await bench.load(server, {
      callIdSuffix,
      ratePerSecond: retriesPerSecond,
      windowMs: recoveryMs,
      requestsMax: pileCalls,
    })
    const before = cpuOf(server.pid)
    const load = await bench.load(server, {
      ratePerSecond: retriesPerSecond,
      windowMs,
      warmUpMs: bench.warmUpMs(windowMs),
    })
    const run = bench.note(label, server, load, before)
    receiver.fail(null)
    await receiver.received('/pile', load, recoveryMs)
    await server.delivered(recoveryMs)
    const { seqs } = await checkStored(bench, server, load, [first])
    const { arrivals } = await receiver.arrivals('/pile', load)
    const { latency, text } = checkDelivered(load, arrivals, seqs, retriesPerSecond)
    const ofPile = await receiver.arrivals('/pile', first)
    const tries = `${ofPile.arrivals.atMs.length} tries for the ${first.sent} deliveries of the pile`
    return {
      latency,
      details: [runText(run), `delivered after ${percentilesText(latency)}; ${text}; ${tries}`],
    }
  } finally {
    await receiver.stop()
    await server.stop()
  }
}

/**
 * Takes from the store what it tells retries by, so that all lanes stand in one line by their due times: what the
 * places that are kept for first attempts are worth.
 */
function orderByDueTime(server: Server): void {
  const database = new DatabaseSync(join(server.dataFolder, 'hookswitch.db'), { timeout: 2_000 })
  try {
    database.exec(`
      CREATE TRIGGER by_due_time AFTER UPDATE OF retrying ON lanes WHEN NEW.retrying = 1
      BEGIN UPDATE lanes SET retrying = 0 WHERE key = NEW.key; END`)
  } finally {
    database.close()
  }
}
