import { expect } from 'vitest'
import { freshProgress, type Publication, type StartedCall, type Store } from '@hookswitch/core'
import { addDestination, allDeliveries, fold } from './delivering.ts'
import { callNow, publication, publishAll, startCall } from './publishing.ts'
import { newEvent, withOtherContent } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const publishCases: StoreCase[] = [
  {
    name: 'what is published is in the log as what is received is, and its call has moved on with it',
    async run({ store }) {
      const [received] = await store.append([newEvent()])
      const call = await startCall(store)
      const event = publication(call)
      const [published] = await publishAll(store, [event])
      expect(published).toEqual({ id: event.id, seq: published?.seq, duplicate: false, collision: false })
      expect(published?.seq).toBeGreaterThan(received?.seq ?? 0)
      const stored = await store.getEvent(event.id)
      const { content: _, expectedVersion: __, progress, ...given } = event
      expect({ ...stored, body: null }).toEqual({ ...given, body: null, seq: published?.seq, issues: [] })
      expect(Buffer.compare(stored?.body ?? Buffer.alloc(0), event.body)).toBe(0)
      expect(await callNow(store, call)).toEqual({ ...call, progress, version: 2 })
    },
  },
  {
    name: 'a batch of several calls is written in its order, and a later one comes after it',
    async run({ store }) {
      const calls = await startCalls(store, 5)
      // Against the order in which the calls were made, and in which an engine may have to lock them.
      const batch = calls.toReversed().map((call) => publication(call))
      const first = await publishAll(store, batch)
      const next = await publishAll(
        store,
        await Promise.all(calls.map(async (call) => publication(await callNow(store, call)))),
      )
      const seqs = [...first, ...next].map(({ seq }) => seq)
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
      expect(new Set(seqs).size).toBe(10)
      expect((await logOf(store)).slice(0, 5)).toEqual(batch.map(({ id }) => id))
      for (const call of calls) expect((await callNow(store, call)).version).toBe(3)
    },
  },
  {
    name: 'an empty batch of publications is answered and writes nothing',
    async run({ store }) {
      expect(await store.publish([])).toEqual([])
      expect(await logOf(store)).toEqual([])
    },
  },
  {
    name: 'in a call that is at another version nothing is published, and it stays as it is',
    async run({ store }) {
      const call = await startCall(store)
      await publishAll(store, [publication(call)])
      const before = await callNow(store, call)
      for (const version of [0, 1, 3]) {
        expect(await store.publish([publication({ ...call, version })])).toEqual(['changed'])
      }
      expect(await callNow(store, call)).toEqual(before)
      expect(await logOf(store)).toHaveLength(1)
    },
  },
  {
    name: 'in a call that is not there, or was erased, nothing is published',
    async run({ store }) {
      const call = await startCall(store)
      await store.erase({ callId: call.callId }, 10)
      const unknown = { ...call, callId: 'call_unknown' }
      expect(await store.publish([publication(call), publication(unknown)])).toEqual(['changed', 'changed'])
      expect(await store.getStartedCall(call.callId)).toBeNull()
      expect(await store.getStartedCall('call_unknown')).toBeNull()
      expect(await logOf(store)).toEqual([])
    },
  },
  {
    name: 'of a batch the calls that have changed are told apart, and the others are published in their order',
    async run({ store }) {
      const calls = await startCalls(store, 6)
      const behind = calls.filter((_, index) => index % 2 === 0)
      await publishAll(
        store,
        behind.map((call) => publication(call)),
      )
      const bodies = ['', 'short', 'x'.repeat(100_000), '\0', 'مكالمة', 'last'].map((text) =>
        Buffer.from(text),
      )
      const batch = calls.map((call, index) =>
        publication(call, { body: bodies[index] ?? Buffer.alloc(0), type: `type-${index}` }),
      )
      const answers = await store.publish(batch)
      expect(answers.map((answer) => answer === 'changed')).toEqual(calls.map((_, index) => index % 2 === 0))
      const published = (await store.listEvents({ after: 0, limit: 100 })).slice(behind.length)
      const expected = batch.filter((_, index) => index % 2 === 1)
      expect(published.map(({ id, type, callId }) => [id, type, callId])).toEqual(
        expected.map(({ id, type, callId }) => [id, type, callId]),
      )
      for (const [index, { body, seq }] of published.entries()) {
        expect(Buffer.compare(body, expected[index]?.body ?? Buffer.alloc(0))).toBe(0)
        expect(answers[2 * index + 1]).toMatchObject({ seq })
      }
      for (const call of calls) expect((await callNow(store, call)).version).toBe(2)
    },
  },
  {
    name: 'two nodes that publish in one call do so one after the other: of each version exactly one is written',
    async run({ store, second }) {
      const nodes = [store, await second()]
      const call = await startCall(store)
      for (let version = 1; version <= 10; version += 1) {
        const read = await callNow(store, call)
        expect(read.version).toBe(version)
        const answers = await Promise.all(
          Array.from({ length: 6 }, (_, index) => (nodes[index % 2] ?? store).publish([publication(read)])),
        )
        expect(answers.flat().filter((answer) => answer === 'changed')).toHaveLength(5)
      }
      expect(await logOf(store)).toHaveLength(10)
    },
  },
  {
    name: 'batches of the same calls in other orders do not wait for each other in a ring, beside appends',
    async run({ store, second }) {
      const nodes = [store, await second()]
      const calls = await startCalls(store, 8)
      const round = async (node: Store, order: readonly StartedCall[]): Promise<number> => {
        const batch = await Promise.all(order.map(async (call) => publication(await callNow(node, call))))
        await node.append([newEvent()])
        return (await node.publish(batch)).filter((answer) => answer !== 'changed').length
      }
      let written = 0
      for (let rounds = 0; rounds < 10; rounds += 1) {
        const counts = await Promise.all(
          nodes.flatMap((node) => [round(node, calls), round(node, calls.toReversed())]),
        )
        expect(Math.max(...counts)).toBeGreaterThan(0)
        written += counts.reduce((sum, count) => sum + count, 0)
      }
      const versions = await Promise.all(calls.map(async (call) => (await callNow(store, call)).version - 1))
      expect(versions.reduce((sum, version) => sum + version, 0)).toBe(written)
      const log = await store.listEvents({ after: 0, limit: 1_000 })
      expect(log.filter(({ source }) => source === 'agent:agt_1')).toHaveLength(written)
    },
  },
  {
    name: 'an event that is known is answered as a duplicate with the first id and place, and the call moves on',
    async run({ store }) {
      const call = await startCall(store)
      const event = publication(call)
      const [first] = await publishAll(store, [event])
      const now = await callNow(store, call)
      const again = { ...event, id: newEvent().id, expectedVersion: now.version }
      expect(await publishAll(store, [again])).toEqual([{ ...first, duplicate: true }])
      expect((await callNow(store, call)).version).toBe(3)
      const { body, content } = withOtherContent(event)
      const other = { ...event, id: newEvent().id, body, content, expectedVersion: 3 }
      expect(await publishAll(store, [other])).toMatchObject([
        { id: other.id, duplicate: false, collision: true },
      ])
      expect(await logOf(store)).toEqual([event.id, other.id])
    },
  },
  {
    name: 'what was published is there after the store was opened again, and so is what the call is with it',
    async run({ store, reopen }) {
      const call = await startCall(store)
      const fresh = await startCall(store)
      const event = publication(call)
      const [published] = await publishAll(store, [event])
      const again = await reopen()
      expect(await callNow(again, call)).toEqual({ ...call, version: 2, progress: event.progress })
      expect(await callNow(again, fresh)).toEqual({ ...fresh, progress: freshProgress })
      expect((await again.getEvent(event.id))?.seq).toBe(published?.seq)
      const [next] = await publishAll(again, [publication(await callNow(again, call))])
      expect(next?.seq).toBeGreaterThan(published?.seq ?? 0)
    },
  },
  {
    name: 'what a batch could not write is as if it had not been asked for, and the log goes on behind it',
    async run({ store }) {
      const calls = await startCalls(store, 2)
      const [one, other] = calls.map((call) => publication(call))
      if (one === undefined || other === undefined) throw new Error('there are two')
      // The id of an event is given once; that the second has the first one's is found when it is written.
      await expect(store.publish([one, { ...other, id: one.id }])).rejects.toMatchObject({
        name: 'StoreError',
      })
      for (const call of calls) expect(await callNow(store, call)).toEqual(call)
      expect(await logOf(store)).toEqual([])
      const published = await publishAll(store, [one, other])
      expect(await logOf(store)).toEqual([one.id, other.id])
      const [appended] = await store.append([newEvent()])
      expect(appended?.seq).toBeGreaterThan(published.at(-1)?.seq ?? 0)
    },
  },
  {
    name: 'what is published is folded and routed with what is received',
    async run({ store }) {
      const mine = await addDestination(store, { scope: { sources: ['agent:agt_1'], agents: null } })
      await addDestination(store, { scope: { sources: ['hamsa'], agents: null } })
      const call = await startCall(store)
      const event: Publication = publication(call, {
        body: Buffer.from(
          JSON.stringify({
            eventType: 'call.started',
            callId: call.callId,
            data: { data: { params: { id: '1' } } },
          }),
        ),
      })
      const [published] = await publishAll(store, [event])
      await fold(store)
      expect((await store.getCall(call.callId))?.head).toMatchObject({
        eventCount: 1,
        sources: ['agent:agt_1'],
      })
      expect(
        (await allDeliveries(store)).map(({ destinationKey, eventSeq }) => [destinationKey, eventSeq]),
      ).toEqual([[mine.key, published?.seq]])
    },
  },
]

async function startCalls(store: Store, count: number): Promise<StartedCall[]> {
  const calls: StartedCall[] = []
  for (let index = 0; index < count; index += 1) calls.push(await startCall(store))
  return calls
}

async function logOf(store: Store): Promise<string[]> {
  return (await store.listEvents({ after: 0, limit: 1_000 })).map(({ id }) => id)
}
