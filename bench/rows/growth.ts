import { setTimeout as delay } from 'node:timers/promises'
import type { Bench, Run } from '../bench.ts'
import { bodies, bodyBytes, holdBodies } from '../load/in-flight.ts'
import { mean, perSecond, runText, type Outcome } from '../outcome.ts'
import { cpuOf, memoryOf } from '../resources.ts'
import { Server } from '../server.ts'

const windowSeconds = 10
/** What the larger store is compared with. */
const fewEvents = 10_000
const shareMin = 0.9
/** From this many events on the budget allows for more. */
const manyEvents = 10_000_000
const shareMinOfMany = 0.8
/** Slower than this the filling is given up. */
const fillPerSecondMin = 500

const residentMBMax = 256
const inFlightRounds = 3
const memoryPollMs = 100
/** For what the load has left behind to be collected. */
const settleMs = 2_000

/** Fills a new store through ingest, and waits for the fold: the server is in the state that it would be in. */
async function filledServer(bench: Bench, label: string, events: number): Promise<Server> {
  const server = await Server.start(bench, label)
  try {
    bench.say(`${label}: filling with ${events.toLocaleString('en-US')} events through ingest`)
    const windowMs = 60_000 + (events / fillPerSecondMin) * 1000
    const load = await bench.load(server, { windowMs, requestsMax: events })
    if (load.acknowledged < events) {
      throw new Error(
        `Of ${events} events to fill with, ${load.acknowledged} were stored: ${JSON.stringify(load.answers)}.`,
      )
    }
    bench.say(`${label}: filled at ${perSecond(load.window.perSecond)}; waiting for the fold`)
    await server.folded(windowMs)
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function burstOn(bench: Bench, label: string, server: Server): Promise<Run> {
  const windowMs = bench.windowMs(windowSeconds)
  bench.say(`${label}: ${windowMs / 1000} s as fast as answers come`)
  const before = cpuOf(server.pid)
  const load = await bench.load(server, { windowMs, warmUpMs: bench.warmUpMs(windowMs) })
  return bench.note(label, server, load, before)
}

async function burstOnFew(bench: Bench, label: string): Promise<Run> {
  const server = await filledServer(bench, label, fewEvents)
  try {
    return await burstOn(bench, label, server)
  } finally {
    await server.stop()
  }
}

/** Both rows want a server that has taken in many events; it is filled once. */
export async function growthAndMemory(
  bench: Bench,
  rows: { growth: boolean; memory: boolean },
): Promise<Outcome[]> {
  const { events } = bench.options
  const outcomes: Outcome[] = []
  const few = rows.growth ? [await burstOnFew(bench, 'growth-few-1')] : []
  const server = await filledServer(bench, 'growth-many', events)
  let many: Run | null = null
  try {
    const settled = await settledMemory(server)
    if (rows.growth) {
      many = await burstOn(bench, 'growth-many', server)
      await server.folded(60_000 + (many.load.sent / fillPerSecondMin) * 1000)
    }
    if (rows.memory) outcomes.push(await memory(bench, server, settled))
  } finally {
    await server.stop()
  }
  if (many !== null) {
    // Once more at the end, so that a machine that got slower or faster on the way falls on both sides.
    few.push(await burstOnFew(bench, 'growth-few-2'))
    outcomes.unshift(growthOutcome(events, many, few))
  }
  return outcomes
}

function growthOutcome(events: number, many: Run, few: readonly Run[]): Outcome {
  const share = many.load.window.perSecond / mean(few.map((run) => run.load.window.perSecond))
  const min = events >= manyEvents ? shareMinOfMany : shareMin
  return {
    row: 'growth',
    state: 'measured',
    budget: `≥ ${min} of the rate with ${fewEvents.toLocaleString('en-US')}`,
    measured: `${share.toFixed(3)} with ${events.toLocaleString('en-US')}`,
    met: share >= min,
    details: [many, ...few].map((run) => `${run.row}: ${runText(run)}`),
    figures: { share, min, events },
  }
}

async function settledMemory(server: Server): Promise<number> {
  await delay(settleMs)
  return memoryOf(server.pid).resident / 1e6
}

/** The most that the process ever held, from its start through the filling to 32 MiB of bodies in flight. */
async function memory(bench: Bench, server: Server, settledMB: number): Promise<Outcome> {
  const beforeMB = (memoryOf(server.pid).peak ?? 0) / 1e6
  let sampledMB = beforeMB
  const sampling = setInterval(() => {
    sampledMB = Math.max(sampledMB, memoryOf(server.pid).resident / 1e6)
  }, memoryPollMs)
  const heldMB: number[] = []
  const statuses: number[] = []
  try {
    for (let round = 0; round < inFlightRounds; round++) {
      bench.say(`memory: ${bodies} bodies of ${bodyBytes.toLocaleString('en-US')} bytes in flight`)
      const onHeld = (): unknown => heldMB.push(memoryOf(server.pid).resident / 1e6)
      statuses.push(...(await holdBodies(server.port, `Bearer ${bench.secret}`, round, onHeld)))
    }
    await server.folded(60_000)
  } finally {
    clearInterval(sampling)
  }
  const mostMB = Math.max(sampledMB, (memoryOf(server.pid).peak ?? 0) / 1e6)
  const refused = statuses.filter((status) => status !== 200)
  const mb = (value: number): string => `${value.toFixed(0)} MB`
  const { events } = bench.options
  return {
    row: 'memory',
    state: 'measured',
    budget: `≤ ${residentMBMax} MB resident`,
    measured: `at most ${mb(mostMB)}`,
    met: mostMB <= residentMBMax && refused.length === 0,
    details: [
      `after ${events.toLocaleString('en-US')} events ${mb(settledMB)}, at most ${mb(beforeMB)} until then; ` +
        `with ${bodies} bodies of ${bodyBytes.toLocaleString('en-US')} bytes in flight ${heldMB.map(mb).join(', ')}`,
      ...(refused.length === 0 ? [] : [`NOT 200: ${refused.join(', ')}`]),
    ],
    figures: { mostMB, residentMBMax, settledMB, beforeInFlightMB: beforeMB, heldMB, refused },
  }
}
