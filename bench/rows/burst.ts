import type { Bench, Run } from '../bench.ts'
import { burstSeconds, ceiling } from '../ceiling.ts'
import { mean, perSecond, runText, threadsText, type Outcome } from '../outcome.ts'
import { PeerAbsent, startGuide, startPostgres } from '../peers/start.ts'
import { cpuOf } from '../resources.ts'
import { Server, type ServerOptions } from '../server.ts'
import { checkStored } from '../stored.ts'

const bareShareMin = 0.6
const barePostgresShareMin = 0.25
const guideFactorMin = 2
/** The fold may lag during a burst; afterwards it must get through this many events in a second. */
const foldPerSecondMin = 500

interface Burst {
  run: Run
  details: string[]
}

/** As fast as answers come, on a new store; then the fold is waited for and everything read back. */
async function burstOnServer(bench: Bench, label: string, options: ServerOptions = {}): Promise<Burst> {
  const windowMs = bench.windowMs(burstSeconds)
  const server = await Server.start(bench, label, options)
  try {
    bench.say(`${label}: ${server.name}, ${windowMs / 1000} s`)
    const before = cpuOf(server.pid)
    const load = await bench.load(server, { windowMs, warmUpMs: bench.warmUpMs(windowMs) })
    bench.say(`${label}: ${perSecond(load.window.perSecond)}; waiting for the fold`)
    const foldSeconds = await server.folded(30_000 + (load.sent / foldPerSecondMin) * 1000)
    const run = bench.note(label, server, load, before)
    const stored = await checkStored(bench, server, load)
    const details = [
      runText(run),
      ...threadsText(run),
      `the fold was done ${foldSeconds.toFixed(1)} s later; ${stored.text}`,
    ]
    return { run, details }
  } finally {
    await server.stop()
  }
}

export async function burst(bench: Bench): Promise<Outcome> {
  const first = await ceiling(bench, 'burst')
  const ours = await burstOnServer(bench, 'burst')
  const second = await ceiling(bench, 'burst')
  return shareOfBare('burst', bareShareMin, ours, [first, second])
}

export async function postgres(bench: Bench): Promise<Outcome> {
  const first = await ceiling(bench, 'postgres')
  let database
  try {
    database = await startPostgres(bench)
  } catch (error) {
    if (error instanceof PeerAbsent) return { row: 'postgres', state: 'skipped', reason: error.message }
    throw error
  }
  let ours: Burst
  try {
    ours = await burstOnServer(bench, 'postgres', { databaseUrl: database.url })
  } finally {
    await database.stop()
  }
  const second = await ceiling(bench, 'postgres')
  return shareOfBare('postgres', barePostgresShareMin, ours, [first, second])
}

function shareOfBare(row: 'burst' | 'postgres', min: number, ours: Burst, bare: [Run, Run]): Outcome {
  const share = ours.run.load.window.perSecond / mean(bare.map((run) => run.load.window.perSecond))
  return {
    row,
    state: 'measured',
    budget: `≥ ${min} of bare`,
    measured: `${share.toFixed(3)} of bare`,
    met: share >= min,
    details: [...ours.details, ...bare.map(runText)],
    figures: { share, min },
  }
}

export async function guide(bench: Bench): Promise<Outcome> {
  const windowMs = bench.windowMs(burstSeconds)
  const ours =
    bench.runs.find((run) => run.row === 'burst' && run.target === 'Hookswitch on SQLite') ??
    (await burstOnServer(bench, 'guide-ours')).run
  let peer
  try {
    peer = await startGuide(bench)
  } catch (error) {
    if (error instanceof PeerAbsent) return { row: 'guide', state: 'skipped', reason: error.message }
    throw error
  }
  let recipe: Run
  try {
    bench.say(`guide: ${peer.name}, ${windowMs / 1000} s`)
    const before = cpuOf(peer.pid)
    const load = await bench.load(peer, { windowMs, warmUpMs: bench.warmUpMs(windowMs) })
    recipe = bench.note('guide', peer, load, before)
  } finally {
    await peer.stop()
  }
  const factor = ours.load.window.perSecond / recipe.load.window.perSecond
  return {
    row: 'guide',
    state: 'measured',
    budget: `≥ ${guideFactorMin} × the guide's recipe`,
    measured: `${factor.toFixed(2)} × the recipe`,
    met: factor >= guideFactorMin,
    details: [`${ours.target}: ${perSecond(ours.load.window.perSecond)}`, runText(recipe)],
    figures: { factor, min: guideFactorMin },
  }
}
