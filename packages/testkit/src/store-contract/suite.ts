import { describe, expect, test } from 'vitest'
import type { Store } from '@hookswitch/core'
import { agentCases } from './agents.ts'
import { appendCases } from './append.ts'
import { auditCases } from './audit.ts'
import { byHandCases } from './by-hand.ts'
import { callCases } from './calls.ts'
import { claimCases } from './claims.ts'
import { deliveryCases } from './deliveries.ts'
import { destinationCases } from './destinations.ts'
import { eraseCases } from './erase.ts'
import { eventCases } from './events.ts'
import { expiryCases } from './expiry.ts'
import { flowCases } from './flow.ts'
import { foldCases } from './fold.ts'
import { holdCases } from './holds.ts'
import { interleavingCases } from './interleaving.ts'
import { laneCases } from './lanes.ts'
import { lifeCases } from './life.ts'
import { nodeCases } from './nodes.ts'
import { publishCases } from './publish.ts'
import { recentAttemptCases } from './recent-attempts.ts'
import { removalCases } from './removal.ts'
import { replayCases } from './replays.ts'
import { resultCases } from './results.ts'
import { retentionCases } from './retention.ts'
import { routingCases } from './routing.ts'
import { secretCases } from './secrets.ts'
import { startedCallCases } from './started-calls.ts'
import { statsCases } from './stats.ts'
import { stormCases } from './storm.ts'
import { versionCases } from './versions.ts'

/** What an engine gives to be held to the contract: it opens stores, the suite closes them. */
export interface StoreHarness {
  /**
   * How many random interleavings are tried, 200 where it is not said: seconds for an engine in the same process, and
   * minutes for one at the other end of a socket.
   */
  interleavings?: number
  /** Opens a store that is empty. */
  open(): Promise<{
    store: Store
    /** Opens the same data again; the suite has closed all stores on it. */
    reopen(): Promise<Store>
    /** A second node on the same data, where the engine lets several have it. */
    another?(): Promise<Store>
    /**
     * Lets so many milliseconds pass for all nodes on the data. An engine that takes a clock is given one that moves
     * ahead; one whose clock is the database's has what it wrote by that clock moved as far into the past, for which
     * PostgreSQL has `moveIntoThePast`. Without it the cases that need time to pass are skipped, which `ran()` shows.
     */
    advance?(ms: number): Promise<void> | void
    /** Removes the data; the suite has closed all stores on it. */
    dispose(): Promise<void>
  }>
}

/** What a case works with. */
export interface StoreUse {
  store: Store
  /** A second node on the same data; where there can be one only, it is the first. */
  second(): Promise<Store>
  /** Closes all stores on the data and opens it again. */
  reopen(): Promise<Store>
  /** Lets time pass by the store's clock; a case that calls it says so in `needs`. */
  advance(ms: number): Promise<void>
  interleavings: number
  /** Where the engine cannot let time pass, a case that can do with less leaves that part out. */
  canAdvance: boolean
}

/** One promise of the port. */
export interface StoreCase {
  name: string
  /** What the harness must have for it. */
  needs?: 'advance'
  run(use: StoreUse): Promise<void>
}

const cases: StoreCase[] = [
  ...appendCases,
  ...foldCases,
  ...callCases,
  ...eventCases,
  ...secretCases,
  ...destinationCases,
  ...removalCases,
  ...versionCases,
  ...routingCases,
  ...claimCases,
  ...resultCases,
  ...laneCases,
  ...flowCases,
  ...holdCases,
  ...nodeCases,
  ...byHandCases,
  ...deliveryCases,
  ...replayCases,
  ...auditCases,
  ...statsCases,
  ...recentAttemptCases,
  ...expiryCases,
  ...retentionCases,
  ...eraseCases,
  ...agentCases,
  ...startedCallCases,
  ...publishCases,
  ...interleavingCases,
  ...stormCases,
  ...lifeCases,
]

/** How many cases the contract has. */
export const storeContractCases = cases.length

/**
 * Holds an engine to what the port promises. A test that comes after it in the file asserts that `ran()` is
 * `storeContractCases`, so that the suite cannot quietly run nowhere: a case that was skipped has not run.
 */
export function storeContract(name: string, harness: StoreHarness): { ran(): number } {
  let ran = 0
  describe(name, () => {
    for (const { name: rule, needs, run } of cases) {
      test(rule, async (context) => {
        await withStore(harness, async (use) => {
          if (needs === 'advance' && !use.canAdvance) context.skip('the harness cannot let time pass')
          await run(use)
        })
        expect.hasAssertions()
        ran += 1
      })
    }
  })
  return { ran: () => ran }
}

async function withStore(harness: StoreHarness, run: (use: StoreUse) => Promise<void>): Promise<void> {
  const { store, reopen, another, advance, dispose } = await harness.open()
  let open = [store]
  const closeAll = async (): Promise<void> => {
    await Promise.all(open.map((one) => one.close()))
    open = []
  }
  const kept = (one: Store): Store => {
    open.push(one)
    return one
  }
  try {
    await run({
      store,
      second: async () => (another === undefined ? store : kept(await another())),
      reopen: async () => {
        await closeAll()
        return kept(await reopen())
      },
      advance: async (ms) => {
        if (advance === undefined) throw new Error('the case does not say that it needs time to pass')
        await advance(ms)
      },
      canAdvance: advance !== undefined,
      interleavings: harness.interleavings ?? 200,
    })
  } finally {
    await closeAll()
    await dispose()
  }
}
