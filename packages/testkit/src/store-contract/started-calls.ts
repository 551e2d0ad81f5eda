import { expect } from 'vitest'
import {
  freshProgress,
  type EraseSelection,
  type NewStartedCall,
  type RetentionCutoffs,
  type Store,
} from '@hookswitch/core'
import {
  addDestination,
  dayMs,
  deliverAll,
  fold,
  hourMs,
  muchLaterMs,
  result,
  retryAfter,
  Worker,
} from './delivering.ts'
import { callNow, newStartedCall, progressAt, publication, publishAll, startCall } from './publishing.ts'
import { change, foldAll, foldCalls, newEvent, said, sampleTime } from './samples.ts'
import type { StoreCase } from './suite.ts'

const inAnHour = Date.now() + hourMs

export const startedCallCases: StoreCase[] = [
  {
    name: 'a call that was started comes back as it was given, whatever its texts, also after a new start',
    async run({ store, reopen }) {
      const params = JSON.parse(
        `{"__proto__":{"a":1},"":"\\u0000","\\ud800":null,"n":[1e308,-0.5],"id":"'; DROP TABLE calls; --"}`,
      ) as Record<string, unknown>
      const given: NewStartedCall = {
        callId: `o'brien"; -- 📞`,
        agentId: 'agt_1',
        conversationId: 'مكالمة',
        direction: 'inbound',
        to: '+966 50 123-4567',
        from: 'sip:ann@example.com',
        params,
        override: { url: 'https://example.com/a?b="c"', authKey: 'Bearer', events: ['call.ended'] },
        sealedSecrets: 'sealed',
      }
      const bare = newStartedCall()
      for (const call of [given, bare]) {
        const { createdAt, version, progress, ...rest } = await store.addStartedCall(call)
        expect(JSON.stringify(rest.params)).toBe(JSON.stringify(call.params))
        expect({ ...rest, params: null }).toEqual({ ...call, params: null })
        expect({ version, progress }).toEqual({ version: 1, progress: freshProgress })
        expect(createdAt).toBeGreaterThan(0)
        expect(await store.getStartedCall(call.callId)).toEqual({ ...rest, createdAt, version, progress })
      }
      const stored = await callNow(store, given)
      expect(await callNow(await reopen(), given)).toEqual(stored)
    },
  },
  {
    name: 'an id is given to one call, and the first keeps it',
    async run({ store }) {
      const first = await startCall(store, { to: '+1' })
      await expect(startCall(store, { callId: first.callId, to: '+2' })).rejects.toMatchObject({
        name: 'StoreError',
      })
      expect(await callNow(store, first)).toEqual(first)
      // The store is none the worse for it.
      const other = await startCall(store)
      expect(await callNow(store, other)).toEqual(other)
    },
  },
  {
    name: 'a call that was not started here is not found, whatever came of it',
    async run({ store }) {
      await foldCalls(store, [change({ callId: 'call_1' })])
      for (const callId of ['call_1', '', 'x\0', '\ud800', `'; --`]) {
        expect(await store.getStartedCall(callId)).toBeNull()
      }
    },
  },
  {
    name: 'a call that was started is erased by its id, and counts as one call with its record or without',
    async run({ store }) {
      const [bare, published, kept] = [await startCall(store), await startCall(store), await startCall(store)]
      await publishAll(store, [publication(published), publication(kept)])
      await fold(store)
      expect(await eraseAll(store, { callId: bare.callId })).toEqual({ calls: 1, events: 0 })
      expect(await eraseAll(store, { callId: published.callId })).toEqual({ calls: 1, events: 1 })
      for (const { callId } of [bare, published]) {
        expect(await store.getStartedCall(callId)).toBeNull()
        expect(await store.getCall(callId)).toBeNull()
        expect(await eraseAll(store, { callId })).toEqual({ calls: 0, events: 0 })
      }
      expect((await callNow(store, kept)).version).toBe(2)
    },
  },
  {
    name: 'calls that were started are erased by the number of their user, however it is written, and no others',
    async run({ store }) {
      const gone = [
        await startCall(store, { to: '+966 50 123-4567' }),
        await startCall(store, { direction: 'inbound', from: '966501234567', to: 'sip:x@example.com' }),
        await startCall(store, { to: '966501234567', from: '+966501234567' }),
      ]
      const kept = [
        await startCall(store, { to: '+966501234568', from: '66501234567' }),
        await startCall(store, { to: '9665012345670' }),
        await startCall(store, { to: 'unknown', from: '' }),
        // The agent's own line, by which all of its calls would go.
        await startCall(store, { to: '+12025550143', from: '+966501234567' }),
        await startCall(store, { direction: 'inbound', to: '+966501234567', from: '+12025550143' }),
        await startCall(store),
      ]
      // Of the first two something came: all of it goes, also where its record says nothing of the number.
      await publishAll(store, [publication(gone[0]!), publication(gone[1]!), publication(kept[0]!)])
      await foldAll(
        store,
        gone.slice(0, 2).map(({ callId }) => change({ callId })),
      )
      expect(await eraseAll(store, { phone: '00' })).toEqual({ calls: 0, events: 0 })
      expect(await eraseAll(store, { phone: '+966-501 234 567' }, 1)).toEqual({ calls: 3, events: 2 })
      for (const { callId } of gone) {
        expect(await store.getStartedCall(callId)).toBeNull()
        expect(await store.getCall(callId)).toBeNull()
      }
      for (const call of kept) expect(await store.getStartedCall(call.callId)).not.toBeNull()
      expect(await store.listEvents({ after: 0, limit: 10 })).toHaveLength(1)
    },
  },
  {
    name: 'calls that were started are erased by a param, and what the record alone says takes them along too',
    async run({ store }) {
      const gone = [
        await startCall(store, { params: { other: 1, id: '12345' } }),
        await startCall(store, { params: { id: 12345 } }),
        // Its record says so, which one that was not published here cannot contradict.
        await startCall(store),
        await startCall(store, { params: { id: '12345' } }),
      ]
      const kept = [
        await startCall(store, { params: { id: '123456' } }),
        await startCall(store, { params: { ID: '12345', nested: { id: '12345' } } }),
        await startCall(store, { params: { note: '"id":"12345"' } }),
        await startCall(store),
      ]
      const outcome = { put: [{ kind: 'outcome' as const, at: sampleTime, seq: 1, data: { id: '12345' } }] }
      await foldCalls(
        store,
        gone.slice(2).map(({ callId }) => change({ callId }, outcome)),
      )
      const selection = { param: { name: 'id', value: '12345' } }
      expect(await eraseAll(store, selection, 1)).toEqual({ calls: 4, events: 2 })
      for (const { callId } of gone) expect(await store.getStartedCall(callId)).toBeNull()
      for (const call of kept) expect(await callNow(store, call)).toEqual(call)
    },
  },
  {
    name: 'calls that were started are erased a bounded number at a time, those of records after them',
    async run({ store }) {
      const to = '+966501234567'
      for (let count = 0; count < 4; count += 1) await startCall(store, { to })
      await foldCalls(
        store,
        ['a', 'b', 'c'].map((callId) => change({ callId, userNumber: said(to) })),
      )
      const chunks: [number, boolean][] = []
      for (let more = true; more && chunks.length < 100;) {
        const report = await store.erase({ phone: to }, 3)
        chunks.push([report.calls, report.more])
        more = report.more
      }
      expect(chunks.map(([calls]) => calls).reduce((sum, calls) => sum + calls, 0)).toBe(7)
      expect(chunks.every(([calls]) => calls <= 3)).toBe(true)
      expect(chunks.at(-1)?.[1]).toBe(false)
      expect((await store.listCalls({ limit: 10 })).items).toEqual([])
    },
  },
  {
    name: 'calls that were started go with the records when they are too old, and those that go on stay',
    async run({ store }) {
      const now = Date.now()
      const [silent, over, goesOn] = [await startCall(store), await startCall(store), await startCall(store)]
      await publishAll(store, [
        publication(over, { occurredAt: now, progress: progressAt(now) }),
        publication(goesOn, { occurredAt: now, progress: progressAt(now + 2 * dayMs) }),
      ])
      await fold(store)
      expect(await retainAll(store, { records: now - dayMs })).toBe(0)
      for (const kind of ['attempts', 'transcripts', 'events'] as const) {
        expect(await retainAll(store, { [kind]: inAnHour })).toBe(0)
      }
      expect(await callNow(store, silent)).toEqual(silent)
      // Those of which there is a record count as that too.
      expect(await retainAll(store, { records: inAnHour }, 1)).toBe(4)
      for (const { callId } of [silent, over]) expect(await store.getStartedCall(callId)).toBeNull()
      expect((await callNow(store, goesOn)).version).toBe(2)
      expect(await store.publish([publication(over)])).toEqual(['changed'])
    },
  },
  {
    name: 'no call goes of which an event is not folded or not delivered yet — it says where its events go',
    async run({ store }) {
      const worker = await Worker.start(store)
      await addDestination(store)
      const received = inAnHour - dayMs
      const call = await startCall(store)
      const kept = async (): Promise<boolean> => {
        await retainAll(store, { records: inAnHour }, 3)
        return (await store.getStartedCall(call.callId)) !== null
      }
      await publishAll(store, [publication(call, { receivedAt: received, progress: progressAt(received) })])
      expect(await kept()).toBe(true)
      await fold(store)
      expect(await kept()).toBe(true)
      await worker.finish(result(await worker.claimOne(), retryAfter(muchLaterMs)))
      for (let count = 0; count < 5; count += 1) await startCall(store)
      expect(await kept()).toBe(true)
      const [delivery] = await store.listDeliveries({ before: null, limit: 1 })
      await store.retryDelivery(delivery?.key ?? 0)
      await deliverAll(worker)
      // What others publish and is not folded yet is of a later time.
      await store.append([newEvent({ receivedAt: inAnHour })])
      expect(await kept()).toBe(false)
    },
  },
]

async function eraseAll(
  store: Store,
  selection: EraseSelection,
  callsMax = 100,
): Promise<{ calls: number; events: number }> {
  const total = { calls: 0, events: 0 }
  for (let chunk = 0; chunk < 100; chunk += 1) {
    const { more, calls, events } = await store.erase(selection, callsMax)
    total.calls += calls
    total.events += events
    if (!more) return total
  }
  throw new Error('there is still more to erase after 100 chunks')
}

/** Removes all that is older than that; how many records it was. */
async function retainAll(store: Store, cutoffs: Partial<RetentionCutoffs>, rowsMax = 100): Promise<number> {
  let records = 0
  for (let chunk = 0; chunk < 100; chunk += 1) {
    const report = await store.retain(
      { attempts: null, transcripts: null, records: null, events: null, keys: 0, ...cutoffs },
      rowsMax,
    )
    records += report.records
    if (!report.more) return records
  }
  throw new Error('there is still more to remove after 100 chunks')
}
