import { expect } from 'vitest'
import { StoreError, type Store } from '@hookswitch/core'
import { change, foldCalls, newEvent, said, sampleTime, secret } from './samples.ts'
import type { StoreCase } from './suite.ts'

/** Far longer than any engine needs to tell its readers; it is only there so that a broken one is reported. */
const toldMs = 10_000

export const lifeCases: StoreCase[] = [
  {
    name: 'everything is there after the store was opened again',
    async run({ store, reopen }) {
      await foldCalls(store, [
        change(
          { agentName: said('Recruiter') },
          {
            put: [{ kind: 'outcome', at: sampleTime, seq: 1, data: { stage: 'offer' } }],
            outcomeText: { stage: 'offer' },
          },
        ),
      ])
      await store.append([newEvent({ body: Buffer.from([0, 255]) })])
      await store.addSecret(secret())
      const before = await contents(store)
      const reopened = await reopen()
      expect(await contents(reopened)).toEqual(before)
      const [appended] = await reopened.append([newEvent()])
      expect(appended?.seq).toBeGreaterThan(before.bounds.newestSeq)
    },
  },
  {
    name: 'a store says what it is, and answers a ping',
    async run({ store }) {
      await store.append([newEvent()])
      await expect(store.ping()).resolves.toBeUndefined()
      const stats = await store.stats()
      expect(stats.bytes).toBeGreaterThan(0)
      expect(stats.freeBytes === null || stats.freeBytes > 0).toBe(true)
      expect(stats.schemaVersion).toBeGreaterThan(0)
      expect(stats.location).not.toBe('')
      expect(stats.location).not.toContain('@')
      expect(Object.keys(stats.durability)).not.toEqual([])
    },
  },
  {
    name: 'readers are told of events that this node appended',
    async run({ store }) {
      const told = tellings(store)
      for (let count = 0; count < 3; count += 1) {
        const next = told.next()
        await store.append([newEvent()])
        await next
      }
      expect(told.count()).toBeGreaterThanOrEqual(3)
    },
  },
  {
    name: 'readers are told of events that another node appended',
    async run({ store, second }) {
      const other = await second()
      const told = tellings(store)
      for (let count = 0; count < 3; count += 1) {
        const next = told.next()
        await other.append([newEvent()])
        await next
      }
      expect(told.count()).toBeGreaterThanOrEqual(3)
    },
  },
  {
    name: 'a reader that went away is told nothing, and the others still are',
    async run({ store }) {
      const gone = tellings(store)
      const stays = tellings(store)
      gone.leave()
      gone.leave()
      const before = gone.count()
      const next = stays.next()
      await store.append([newEvent()])
      await next
      expect(gone.count()).toBe(before)
    },
  },
  {
    name: 'a closed store refuses everything with the code closed, and may be closed again',
    async run({ store }) {
      await store.append([newEvent()])
      await store.close()
      await store.close()
      const asked: Record<string, () => Promise<unknown>> = {
        append: () => store.append([newEvent()]),
        foldRead: () => store.foldRead('node-1', 1, 1),
        foldCommit: () =>
          store.foldCommit({ expectedFoldedSeq: 0, foldedSeq: 0, calls: [], events: [], marked: [] }),
        getCall: () => store.getCall('call_1'),
        listCalls: () => store.listCalls({ limit: 1 }),
        listEvents: () => store.listEvents({ after: 0, limit: 1 }),
        getEvent: () => store.getEvent('evt_1'),
        logBounds: () => store.logBounds(),
        listSecrets: () => store.listSecrets(),
        addSecret: () => store.addSecret(secret()),
        expireSecret: () => store.expireSecret('hamsa', 'x', 1),
        removeSecret: () => store.removeSecret('hamsa', 'x'),
        touchSecrets: () => store.touchSecrets([{ id: 'x', lastUsedAt: 1 }]),
        stats: () => store.stats(),
        ping: () => store.ping(),
      }
      for (const [method, ask] of Object.entries(asked)) {
        const refusal: unknown = await ask().then(
          () => 'no refusal',
          (error: unknown) => error,
        )
        expect(refusal, method).toBeInstanceOf(StoreError)
        expect(refusal, method).toMatchObject({ code: 'closed', outcome: 'none' })
      }
    },
  },
  {
    name: 'what is under way when a store is closed is finished or refused, never left open',
    async run({ store, reopen }) {
      const events = Array.from({ length: 20 }, () => newEvent())
      const answers = events.map((event) =>
        store.append([event]).then(
          () => event.id,
          (error: unknown) => error,
        ),
      )
      await store.close()
      const settled = await Promise.all(answers)
      const acknowledged = settled.filter((answer) => typeof answer === 'string')
      for (const answer of settled) {
        if (typeof answer !== 'string') expect(answer).toMatchObject({ code: 'closed', outcome: 'none' })
      }
      const stored = await (await reopen()).listEvents({ after: 0, limit: 100 })
      expect(stored.map(({ id }) => id).toSorted()).toEqual(acknowledged.toSorted())
    },
  },
]

async function contents(store: Store) {
  return {
    events: await store.listEvents({ after: 0, limit: 100 }),
    call: await store.getCall('call_1'),
    ofCall: await store.listEvents({ callId: 'call_1', after: 0, limit: 100 }),
    calls: await store.listCalls({
      limit: 100,
      prefix: 'recr',
      outcome: [{ field: 'stage', text: 'offer' }],
    }),
    bounds: await store.logBounds(),
    secrets: await store.listSecrets(),
  }
}

/** Counts the calls back; `next` waits for one that comes after it was asked for. */
function tellings(store: Store): { next(): Promise<void>; count(): number; leave(): void } {
  let count = 0
  let waiting: (() => void)[] = []
  const leave = store.watch(() => {
    count += 1
    const told = waiting
    waiting = []
    for (const resolve of told) resolve()
  })
  return {
    leave,
    count: () => count,
    next: () =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`a reader was not told within ${toldMs} ms`)), toldMs)
        waiting.push(() => {
          clearTimeout(timer)
          resolve()
        })
      }),
  }
}
