import type { DestinationDefinition, LaneRule, RetryPolicy } from '@hookswitch/core'
import type { Chance } from './chance.ts'
import { noFaults, type LinkFaults } from './link.ts'
import type { Mood, Peer } from './peers.ts'

/** Mean milliseconds between two of a kind; null: never. */
export interface Pace {
  deathMs: number | null
  freezeMs: number | null
  cutOffMs: number | null
  stopMs: number | null
  powerLossMs: number | null
  actMs: number | null
}

/** What a seed makes of a trial. */
export interface Scenario {
  /** After this everything heals. */
  activeMs: number
  nodes: number
  lanesMax: number
  calls: number
  eventsPerCallMax: number
  duplicates: number
  destinations: { definition: DestinationDefinition; peer: Peer }[]
  faults: LinkFaults
  pace: Pace
  /** A signal that there is something to do is lost. */
  signalsLost: number
}

/** The destination to which nothing ever happens, and which must not feel what happens to others. */
export const healthyName = 'healthy'

/** Always there, and quick. */
export const well: Peer = { moods: [], poison: 0, filtered: 0, timeoutMs: 5_000, lags: 0 }

export function drawScenario(chance: Chance): Scenario {
  const activeMs = chance.between(8, 45) * 1_000
  // A third has nodes and a store that never fail: what is late there is late for no reason.
  const isCalm = chance.happens(0.33)
  const some = (meanMs: number, probability: number): number | null =>
    !isCalm && chance.happens(probability) ? meanMs * (0.5 + chance.next()) : null
  const rate = (max: number, probability: number): number =>
    !isCalm && chance.happens(probability) ? max * chance.next() : 0
  const destinations = Array.from({ length: chance.between(1, 4) }, (_, index) => ({
    definition: drawDefinition(`peer-${index + 1}`, chance),
    peer: drawPeer(chance, activeMs),
  }))
  return {
    activeMs,
    nodes: chance.between(1, 3),
    lanesMax: chance.pick([1, 2, 4, 8, 30]),
    calls: chance.between(1, 14),
    eventsPerCallMax: chance.between(1, 8),
    duplicates: chance.pick([0, 0.1, 0.3]),
    destinations: [
      ...destinations,
      {
        definition: {
          ...drawDefinition(healthyName, chance),
          lane: chance.pick(['call', 'none']),
          filter: null,
          limits: { concurrency: 10, perSecond: null },
        },
        peer: well,
      },
    ],
    faults: isCalm
      ? noFaults
      : {
          none: rate(0.05, 0.5),
          unknown: rate(0.05, 0.5),
          silent: rate(0.03, 0.4),
          slow: rate(0.1, 0.4),
        },
    pace: {
      deathMs: some(15_000, 0.5),
      freezeMs: some(15_000, 0.5),
      cutOffMs: some(8_000, 0.5),
      stopMs: some(20_000, 0.3),
      powerLossMs: some(20_000, 0.3),
      actMs: chance.happens(0.8) ? chance.between(300, 4_000) : null,
    },
    signalsLost: chance.pick([0, 0, 0.2]),
  }
}

/** Everything about a destination but its name may be anything. */
export function drawDefinition(name: string, chance: Chance): DestinationDefinition {
  return {
    name,
    kind: 'webhook',
    events: chance.happens(0.7) ? null : ['call.started', chance.pick(['call.ended', 'tool.executed'])],
    scope: {
      sources: chance.happens(0.85) ? null : ['hamsa'],
      agents: chance.happens(0.85) ? null : ['agent-1'],
    },
    filter: chance.happens(0.3) ? { function: true } : null,
    template: null,
    lane: drawLane(chance),
    onExhausted: chance.pick(['continue', 'park']),
    retry: drawRetry(chance),
    limits: {
      concurrency: chance.pick([1, 1, 2, 3, 5, 10]),
      perSecond: chance.happens(0.7) ? null : chance.pick([2, 5, 20, 0.5]),
    },
    settings: {},
  }
}

function drawLane(chance: Chance): LaneRule {
  return chance.pick<LaneRule>([
    'call',
    'call',
    'destination',
    'none',
    { path: 'call.userNumber' },
    { path: 'event.type' },
  ])
}

function drawRetry(chance: Chance): RetryPolicy {
  return chance.pick<RetryPolicy>([
    { preset: 'none' },
    { preset: 'quick' },
    { preset: 'quick' },
    { preset: 'guide' },
    { preset: 'standard' },
    { delaysSeconds: [0.1, 0.5, 1, 2] },
    { delaysSeconds: [0, 0] },
    { delaysSeconds: [3] },
  ])
}

export function drawPeer(chance: Chance, activeMs: number): Peer {
  const moods: Peer['moods'] = []
  for (let until = 0; until < activeMs;) {
    until += chance.between(500, 12_000)
    moods.push({ until, mood: drawMood(chance) })
  }
  return {
    moods,
    poison: chance.pick([0, 0, 0.05, 0.3]),
    filtered: chance.pick([0, 0, 0.2]),
    timeoutMs: chance.pick([1_000, 5_000, 20_000]),
    lags: chance.pick([0, 0, 0.3]),
  }
}

function drawMood(chance: Chance): Mood {
  return chance.weighted<Mood>({
    ok: 8,
    slow: 3,
    flaky: 4,
    down: 3,
    hangs: 3,
    limits: 2,
    busy: 1,
    refuses: 2,
    gone: 1,
    interrupts: 1,
    throws: 1,
  })
}
