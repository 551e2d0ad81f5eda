import { epochLapsesMs } from '@hookswitch/core'
import { lastChecks } from './last-checks.ts'
import { noFaults } from './link.ts'
import { nowAndThen, planMishaps } from './mishaps.ts'
import type { Breach } from './trace.ts'
import { World } from './world.ts'

export interface TrialOptions {
  seed: number
  /** Takes each line of what happens. */
  print?: (line: string) => void
}

export interface TrialReport {
  seed: number
  breach: Breach | null
  /** The last lines before the end, or before the breach. */
  tail: string[]
  /** Of all that happened: two runs of a seed have the same. */
  hash: string
  /** How often what happened. */
  counts: Record<string, number>
  /** Things that happened, and how long they took by the clock of the trial. */
  events: number
  fakeMs: number
  healthyDelayMs: number
}

/** When all is well again, everything has to be done within this. */
const quietMsMax = 30 * 60_000

/** Until the last duplicate has come, and the last node that died has lapsed. */
const airMs = epochLapsesMs + 5_000

/** A node that is told to stop does so within this; the store may have been asked something before it was well again. */
const stopMsMax = 60_000

/** A person looks after what waits for a person this often. */
const tidyMs = 3_000

/** From then on a person does not wait for what is due much later. */
const hurryAfterMs = 30_000

/** Runs the whole pipeline once, with everything that the seed makes of it. */
export async function runTrial({ seed, print }: TrialOptions): Promise<TrialReport> {
  const world = await World.make(seed, print ?? null)
  try {
    world.trace.note('trial', `seed ${seed}: ${JSON.stringify(world.scenario)}`)
    await runActive(world)
    await runHealing(world)
    if (world.trace.breach === null) await runOut(world)
    if (world.trace.breach === null) await lastChecks(world)
    const { trace, schedule, witness } = world
    return {
      seed,
      breach: trace.breach,
      tail: trace.tail,
      hash: trace.hash(),
      counts: trace.counts,
      events: schedule.events,
      fakeMs: schedule.elapsed,
      healthyDelayMs: witness.healthyDelayMs,
    }
  } finally {
    await world.dispose()
  }
}

/** Things go wrong. */
async function runActive(world: World): Promise<void> {
  const { scenario, schedule, operator } = world
  const { activeMs, nodes, destinations, faults, pace } = scenario
  for (const { definition, peer } of destinations) {
    schedule.after(0, () => void operator.add(definition, peer))
  }
  for (let count = 0; count < nodes; count += 1) schedule.after(count * 10, () => world.addNode())
  world.senders.start()
  planMishaps(world)
  nowAndThen(world, 'acts', pace.actMs, () => void operator.act())
  world.faults = faults
  await runUntil(world, () => false, activeMs)
}

/** Nothing goes wrong any more: all that was accepted has to be delivered, and then it has to be quiet. */
async function runHealing(world: World): Promise<void> {
  world.trace.note('trial', 'from here on nothing goes wrong any more')
  world.phase = 'healing'
  world.faults = noFaults
  for (const node of world.nodes) node.thaw()
  const [first, ...others] = world.nodes.filter(({ isRunning }) => isRunning)
  if (first === undefined) world.addNode()
  // One is enough, and all of them would have to be asked for long.
  for (const node of others) void world.stop(node)
  tidy(world, world.schedule.now)
  await runUntil(world, () => isQuiet(world), quietMsMax)
  // What is still in the air comes down, and changes nothing.
  if (isQuiet(world)) await runUntil(world, () => false, airMs)
  if (!isQuiet(world)) notQuiet(world)
}

/** A person looks after what waits for a person. */
function tidy(world: World, healedAt: number): void {
  const { schedule, operator } = world
  const hurries = schedule.now - healedAt > hurryAfterMs
  void operator.tidy(hurries).then(() => {
    schedule.after(tidyMs, () => tidy(world, healedAt))
  })
}

/** Every node ends as it should. */
async function runOut(world: World): Promise<void> {
  world.phase = 'over'
  for (const node of world.nodes) void world.stop(node)
  if (await runUntil(world, () => world.nodes.every(({ isDead }) => isDead), stopMsMax)) return
  world.trace.broken('stop', 'a node that is told to stop has not')
}

function runUntil({ schedule, trace }: World, done: () => boolean, ms: number): Promise<boolean> {
  return schedule.run(() => trace.breach !== null || done(), schedule.now + ms)
}

function isQuiet({ senders, ledger }: World): boolean {
  return (
    senders.waiting === 0 &&
    ledger.lanes.pending === 0 &&
    ledger.replays.size === 0 &&
    ledger.foldedSeq === Math.max(0, ...ledger.log.keys())
  )
}

function notQuiet({ senders, ledger, trace }: World): void {
  const left = [...ledger.lanes.deliveries.entries()].filter(([, { state }]) => state === 'pending')
  const names = left.slice(0, 5).map(([name]) => name)
  const log = `the log is folded to ${ledger.foldedSeq} of ${ledger.log.size}`
  const deliveries = `${left.length} deliveries wait (${names.join(', ')} …)`
  const replays = `${ledger.replays.size} replays are under way`
  const messages = `${senders.waiting} messages wait`
  trace.broken('P4', `it does not become quiet: ${messages}, ${log}, ${deliveries}, ${replays}`)
}
