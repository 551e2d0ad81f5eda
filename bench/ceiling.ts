import type { Bench, Run } from './bench.ts'
import { startBare } from './peers/start.ts'
import { cpuOf } from './resources.ts'

/** How long every closed loop against a new target is measured, unless the options say otherwise. */
export const burstSeconds = 30

/**
 * The rate of the bare server, measured now. Where nothing was measured since the last time, that one is taken: a run
 * goes bare, ours, bare, other, bare, and each is compared with the mean of its neighbours, so that a machine that
 * gets slower or faster on the way shows, and falls on both sides.
 */
export async function ceiling(bench: Bench, row: string): Promise<Run> {
  const last = bench.runs.at(-1)
  if (last?.target === 'bare node:http') return last
  const windowMs = bench.windowMs(burstSeconds)
  const bare = await startBare(bench)
  try {
    bench.say(`${row}: ${bare.name}, ${windowMs / 1000} s`)
    const before = cpuOf(bare.pid)
    const load = await bench.load(bare, { windowMs, warmUpMs: bench.warmUpMs(windowMs) })
    return bench.note(row, bare, load, before)
  } finally {
    await bare.stop()
  }
}
