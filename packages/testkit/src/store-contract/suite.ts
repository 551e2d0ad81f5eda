import { describe, expect, test } from 'vitest'
import type { Store } from '@hookswitch/core'
import { appendCases } from './append.ts'
import { callCases } from './calls.ts'
import { eventCases } from './events.ts'
import { foldCases } from './fold.ts'
import { lifeCases } from './life.ts'
import { secretCases } from './secrets.ts'

/** What an engine gives to be held to the contract: it opens stores, the suite closes them. */
export interface StoreHarness {
  /** Opens a store that is empty. */
  open(): Promise<{
    store: Store
    /** Opens the same data again; the suite has closed all stores on it. */
    reopen(): Promise<Store>
    /** A second node on the same data, where the engine lets several have it. */
    another?(): Promise<Store>
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
}

/** One promise of the port. */
export interface StoreCase {
  name: string
  run(use: StoreUse): Promise<void>
}

const cases: StoreCase[] = [
  ...appendCases,
  ...foldCases,
  ...callCases,
  ...eventCases,
  ...secretCases,
  ...lifeCases,
]

/** How many cases the contract has. */
export const storeContractCases = cases.length

/**
 * Holds an engine to what the port promises. A test that comes after it in the file asserts that `ran()` is
 * `storeContractCases`, so that the suite cannot quietly run nowhere.
 */
export function storeContract(name: string, harness: StoreHarness): { ran(): number } {
  let ran = 0
  describe(name, () => {
    for (const { name: rule, run } of cases) {
      test(rule, async () => {
        await withStore(harness, run)
        expect.hasAssertions()
        ran += 1
      })
    }
  })
  return { ran: () => ran }
}

async function withStore(harness: StoreHarness, run: (use: StoreUse) => Promise<void>): Promise<void> {
  const { store, reopen, another, dispose } = await harness.open()
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
    })
  } finally {
    await closeAll()
    await dispose()
  }
}
