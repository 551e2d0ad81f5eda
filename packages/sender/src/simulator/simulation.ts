import { Chance } from './chance.ts'
import { planCall } from './plan-call.ts'
import { planSends } from './plan-sends.ts'
import type { SimulatedCall } from './simulated-call.ts'
import { resolveSimulation, type ResolvedSimulation, type SimulationOptions } from './simulation-options.ts'

export interface Simulation {
  readonly options: ResolvedSimulation
  /** The calls in the order in which they begin, made one by one; each time it is asked, the same ones. */
  calls(): Generator<SimulatedCall, void>
}

/**
 * Voice agents that call and are called, and a platform that tells of it, not always well. Pure: nothing is sent
 * here, and no clock is read.
 *
 * @throws RangeError for options out of their range.
 *
 * @example
 * const simulation = createSimulation({ seed: '7', startAt: Date.now(), calls: 10, rate: 5, faults: readFaults('some') })
 * for (const { callId, sends } of simulation.calls()) console.log(callId, sends.length)
 */
export function createSimulation(options: SimulationOptions): Simulation {
  const resolved = resolveSimulation(options)
  return { options: resolved, calls: () => callsOf(resolved) }
}

function* callsOf(options: ResolvedSimulation): Generator<SimulatedCall, void> {
  const { seed, calls, rate, speed, faults } = options
  const chance = new Chance(seed)
  let requests = 0
  for (let number = 0; number < calls; number += 1) {
    const beginsMs = Math.round((requests / rate) * 1_000)
    const call = planCall(chance.of(`call ${number}`), options, { number, beginsMs })
    const sends = planSends(chance.of(`sends ${number}`), call, { beginsMs, speed, faults })
    for (const { copies } of sends) requests += copies
    const { offsetsMs: _, ...told } = call
    yield { ...told, number, beginsMs, sends }
  }
}
