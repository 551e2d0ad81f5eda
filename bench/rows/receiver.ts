import { join } from 'node:path'
import { resultsFolder, type Bench, type Run } from '../bench.ts'
import { mean, perSecond, runText, type Outcome } from '../outcome.ts'
import { startExpress, type Peer } from '../peers/start.ts'
import { summarizeProfiles } from '../profile.ts'
import { cpuOf } from '../resources.ts'
import { stamp } from '../server.ts'

const guideProgram = new URL('../peers/express/guide.js', import.meta.url)
const receiverProgram = new URL('../peers/express/receiver.ts', import.meta.url)

const shareMin = 0.9
/** Short rounds and several of them, so that what else the machine does falls on all alike, and shows as their spread. */
const rounds = 6
const roundSeconds = 3
/** Before the first round, until everything is compiled; each round warms up a little, too. */
const firstSeconds = 2
const roundWarmUpMs = 500

/**
 * The Express adapter in an app of Express, and the guide's own handler in the same app. All run at once and one is
 * loaded at a time; every second round goes backwards.
 */
export async function receiver(bench: Bench): Promise<Outcome> {
  const profileFolder = bench.options.profile ? join(resultsFolder, 'profiles', `${stamp()}-receiver`) : null
  const start = async (name: string, program: URL, ...args: string[]): Promise<void> => {
    peers.push(await startExpress(bench, { name, program, args, profileFolder }))
  }
  const peers: Peer[] = []
  const runs = new Map<Peer, Run[]>()
  try {
    await start("the guide's handler", guideProgram)
    await start('@hookswitch/receiver', receiverProgram)
    await start('@hookswitch/receiver with memoryDedupe', receiverProgram, 'dedupe')
    await start("the guide's handler, silent", guideProgram, 'silent')
    for (const peer of peers) await bench.load(peer, { windowMs: firstSeconds * 1000 })
    for (let round = 0; round < rounds; round += 1) {
      bench.say(`receiver: round ${round + 1} of ${rounds}`)
      for (const peer of round % 2 === 0 ? peers : peers.toReversed()) {
        runs.set(peer, [...(runs.get(peer) ?? []), await oneRound(bench, peer)])
      }
    }
  } finally {
    for (const peer of peers) await peer.stop()
    if (profileFolder !== null) process.stderr.write(summarizeProfiles(profileFolder))
  }
  const [guide = [], plain = [], deduped = [], silent = []] = peers.map((peer) => runs.get(peer) ?? [])
  const without = compare(plain, guide)
  const withDedupe = compare(deduped, guide)
  const withoutLines = compare(plain, silent)
  return {
    row: 'receiver',
    state: 'measured',
    budget: `≥ ${shareMin} × the guide's handler`,
    measured: `${without.share.toFixed(2)} × the guide's handler`,
    met: without.share >= shareMin,
    details: [
      `median of ${rounds} rounds of ${bench.windowMs(roundSeconds) / 1000} s, without dedupe: ${compareText(without)}`,
      `for information, with memoryDedupe: ${compareText(withDedupe)}`,
      `for information, without dedupe by the guide's without its lines to the console: ${compareText(withoutLines)}`,
      ...[guide, plain, deduped, silent].flatMap((ofPeer) => [
        ratesText(ofPeer),
        ...ofPeer.slice(-1).map(runText),
      ]),
    ],
    figures: { without, withDedupe, withoutLines, min: shareMin },
  }
}

async function oneRound(bench: Bench, peer: Peer): Promise<Run> {
  const before = cpuOf(peer.pid)
  const load = await bench.load(peer, {
    windowMs: bench.windowMs(roundSeconds),
    warmUpMs: roundWarmUpMs,
  })
  if (load.unacknowledged.length > 0) {
    throw new Error(
      `${peer.name} did not answer ${load.unacknowledged.length} of ${load.sent} events with 200.`,
    )
  }
  return bench.note('receiver', peer, load, before)
}

interface Comparison {
  /** Rate by the guide's in the same round; the median of all rounds. */
  share: number
  /** The same by round. */
  shares: number[]
  /** CPU time an event by the guide's: what a machine that is busy with other things changes least. */
  cpuFactor: number
}

function compare(ours: readonly Run[], guide: readonly Run[]): Comparison {
  const rate = (run: Run | undefined): number => run?.load.window.perSecond ?? Number.NaN
  const shares = ours.map((run, round) => rate(run) / rate(guide[round]))
  const cpu = (of: readonly Run[]): number => mean(of.map((run) => run.cpuMicrosPerEvent))
  return { share: median(shares), shares, cpuFactor: cpu(ours) / cpu(guide) }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return mean([sorted[Math.floor(middle)] ?? Number.NaN, sorted[Math.ceil(middle)] ?? Number.NaN])
}

function compareText({ share, shares, cpuFactor }: Comparison): string {
  const lowest = Math.min(...shares).toFixed(2)
  const highest = Math.max(...shares).toFixed(2)
  return `${share.toFixed(2)} × the rate (from ${lowest} to ${highest}), ${cpuFactor.toFixed(2)} × the CPU an event`
}

function ratesText(runs: readonly Run[]): string {
  const rates = runs.map((run) => perSecond(run.load.window.perSecond))
  return `${runs[0]?.target ?? ''}, by round: ${rates.join(', ')}; then of the last:`
}
