import { faultNames, faultPresets, type Faults } from './faults.ts'

export interface SimulationOptions {
  /** Everything is drawn from it: two simulations with the same options send the same bytes at the same moments. */
  seed: string
  /** When the simulation begins, Unix milliseconds: all times and ids in the events follow from it. */
  startAt: number
  /** Calls, 1 or more; `Infinity` for no end. */
  calls: number
  /**
   * Events a second on average, repeats included: calls begin as often as it takes. It is reached when the first
   * calls end, as many then begin as end.
   */
  rate: number
  /** How many times faster than life a call goes by, 1 or more; 1 by default. What it says of its times stays real. */
  speed?: number
  /** The documented envelope, the form seen from live agents, or for each call one of the two. `v1` by default. */
  dialect?: 'v1' | 'legacy' | 'mixed'
  /** Whether updates bring what is new or all so far, or for each call one of the two. `mixed` by default. */
  transcript?: 'delta' | 'cumulative' | 'mixed'
  /** None by default. */
  faults?: Faults
}

export type ResolvedSimulation = Readonly<Required<SimulationOptions>>

/** @throws RangeError that says which option is out of its range, and what came. */
export function resolveSimulation(options: SimulationOptions): ResolvedSimulation {
  const resolved = {
    speed: 1,
    dialect: 'v1',
    transcript: 'mixed',
    faults: faultPresets.none,
    ...options,
  } as const
  const { seed, startAt, calls, rate, speed, faults } = resolved
  check('seed', seed, seed !== '', 'a text')
  // As events are read: outside these years a number is no time in milliseconds.
  const isTime = startAt >= Date.UTC(1991, 0, 1) && startAt < Date.UTC(2099, 0, 1)
  check('startAt', startAt, Number.isSafeInteger(startAt) && isTime, 'Unix milliseconds')
  check(
    'calls',
    calls,
    calls >= 1 && (Number.isInteger(calls) || calls === Infinity),
    'a whole number from 1',
  )
  check('rate', rate, rate > 0 && rate < Infinity, 'more than 0 events a second')
  check('speed', speed, speed >= 1 && speed < Infinity, '1 or more')
  for (const name of faultNames) {
    check(`faults.${name}`, faults[name], faults[name] >= 0 && faults[name] <= 1, 'a probability from 0 to 1')
  }
  return resolved
}

function check(name: string, value: unknown, isRight: boolean, expected: string): void {
  if (!isRight) throw new RangeError(`${name} is ${JSON.stringify(value) ?? 'missing'}, expected ${expected}`)
}
