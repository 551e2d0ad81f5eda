import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import {
  Deliverer,
  DestinationBook,
  destinationId,
  FoldLoop,
  StoreError,
  type AttemptResult,
  type DelivererOptions,
  type Store,
} from '@hookswitch/core'
import { openSqlite } from '@hookswitch/store-sql'
import { endServerProcesses, temporaryFolder, until } from '@hookswitch/testkit'
import { newEvent } from '@hookswitch/testkit/store-contract'

// The engine over the real store, without the rest of the program, where the store and the engine come to differ.

afterAll(endServerProcesses)

const delivered: AttemptResult = {
  verdict: 'delivered',
  status: 200,
  cause: null,
  message: null,
  retryAfterMs: null,
  request: null,
  response: null,
}

let folder: string
let store: Store
let deliverer: Deliverer | null
beforeEach(async () => {
  folder = await temporaryFolder()
  store = await openSqlite({ folder, freeBytesMin: 0 })
  deliverer = null
})
afterEach(async () => {
  await deliverer?.stop(0)
  await store.close()
})

/** A destination that gives its events one try, an event for it, and the engine with this way to try. */
async function deliver(
  options: Partial<DelivererOptions> & Pick<DelivererOptions, 'attempt'>,
): Promise<void> {
  const definition = {
    name: 'crm',
    kind: 'webhook',
    events: null,
    scope: { sources: null, agents: null },
    filter: null,
    template: null,
    lane: 'destination',
    onExhausted: 'continue',
    retry: { preset: 'none' },
    limits: { concurrency: 1, perSecond: null },
    settings: {},
  } as const
  await store.addDestination({ id: destinationId(), origin: 'api', definition, sealedSecrets: null })
  await store.append([newEvent({ callId: 'call' })])
  const fold = new FoldLoop({ store, node: 'node' })
  while ((await fold.step()) === 'folded');
  const book = new DestinationBook(store)
  const destination = (key: number, version: number) => book.get(key, version)
  deliverer = new Deliverer({ store, node: 'node', destination, ...options })
  store.watch(() => deliverer?.wake())
  deliverer.start()
}

async function verdictsInTheEnd(): Promise<(string | null)[]> {
  const key = await until('the delivery', async () => {
    const [delivery] = await store.listDeliveries({ state: 'delivered', before: null, limit: 1 })
    return delivery?.key
  })
  return ((await store.getDelivery(key))?.attempts ?? []).map(({ verdict }) => verdict)
}

test('a store that has lost its last writes has its lanes worked on again - what the node does not know of is given back', async () => {
  const written: boolean[] = []
  let tries = 0
  await deliver({
    attempt: async () => {
      tries += 1
      if (tries === 1) {
        // As after a crash of the store that took the last claim with it: the lane is this node's by an older one.
        const other = new DatabaseSync(path.join(folder, 'hookswitch.db'), { timeout: 5_000 })
        other.exec('UPDATE lanes SET claim = claim - 1')
        other.close()
      }
      return delivered
    },
    onResult: (result) => written.push(result.written),
  })
  expect(await verdictsInTheEnd()).toEqual(['delivered'])
  expect(written).toEqual([false, true])
  expect(await store.listLanes({ after: 0, limit: 1 })).toEqual([])
})

test('a store that cannot be read costs the event no try', async () => {
  let tries = 0
  await deliver({
    attempt: async () => {
      tries += 1
      if (tries <= 2) throw new StoreError('unavailable', 'connection refused')
      return delivered
    },
  })
  expect(await verdictsInTheEnd()).toEqual(['interrupted', 'interrupted', 'delivered'])
})

test('what this node cannot send to is given back without a try, for another to take', async () => {
  let asked = 0
  const book = new DestinationBook(store)
  await deliver({
    destination: async (key, version) => {
      asked += 1
      return asked <= 2 ? null : book.get(key, version)
    },
    attempt: async () => delivered,
  })
  expect(await verdictsInTheEnd()).toEqual(['delivered'])
  expect(asked).toBe(3)
})
