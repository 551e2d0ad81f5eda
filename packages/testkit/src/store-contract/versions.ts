import { expect } from 'vitest'
import type { DestinationVersion, Store } from '@hookswitch/core'
import { addDestination, pause, receive, redefine, resume } from './delivering.ts'
import { newEvent } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const versionCases: StoreCase[] = [
  {
    name: 'what a destination was is known for each event: its first version until it was changed, then the next',
    async run({ store }) {
      const before = await addDestination(store, { events: ['a'] })
      const [first = 0] = await receive(store, 'x')
      const after = await redefine(store, before, { events: ['b'] })
      const [later = 0] = await receive(store, 'x')
      expect(await validAt(store, first, before)).toMatchObject({
        key: before.key,
        id: before.id,
        version: before.version,
        fromSeq: 1,
        definition: before.definition,
      })
      expect(await validAt(store, later, before)).toMatchObject({
        version: after.version,
        fromSeq: first + 1,
        definition: after.definition,
      })
      // What was past before an event says nothing about it.
      expect((await store.destinationVersions(later)).map(({ version }) => version)).toEqual([after.version])
    },
  },
  {
    name: 'a version counts from the first event that was not folded when it was made — also where some had come',
    async run({ store }) {
      const [folded = 0] = await receive(store, 'x')
      const [waiting] = await store.append([newEvent()])
      const one = await addDestination(store)
      expect((await validAt(store, waiting?.seq ?? 0, one))?.fromSeq).toBe(folded + 1)
      expect(await validAt(store, folded, one)).toBeNull()
      // It was made since, which explains why the event did not go there.
      expect(await store.destinationVersions(folded)).toMatchObject([{ id: one.id, fromSeq: folded + 1 }])
    },
  },
  {
    name: 'of versions that no event came between, the last is the valid one',
    async run({ store }) {
      const one = await addDestination(store)
      const two = await redefine(store, one, { kind: 'two' })
      const three = await redefine(store, two, { kind: 'three' })
      const [seq = 0] = await receive(store, 'x')
      expect(await store.destinationVersions(seq)).toMatchObject([
        { version: three.version, fromSeq: 1, definition: three.definition },
      ])
    },
  },
  {
    name: 'a destination that was removed is explained: what it was before, and that it is no more after',
    async run({ store }) {
      const one = await addDestination(store)
      const [before = 0] = await receive(store, 'x')
      await store.removeDestination(one.id, 'skip', 100)
      const [after = 0] = await receive(store, 'x')
      expect((await validAt(store, before, one))?.definition).toEqual(one.definition)
      expect(await store.destinationVersions(before)).toContainEqual(
        expect.objectContaining({ id: one.id, fromSeq: before + 1, definition: null }),
      )
      expect(await validAt(store, after, one)).toMatchObject({ fromSeq: before + 1, definition: null })
    },
  },
  {
    name: 'one that left the config file is no more from then on, and is again when it comes back',
    async run({ store }) {
      const one = await addDestination(store)
      const [before = 0] = await receive(store, 'x')
      await store.holdDestination(one.id, { reason: 'removed', until: null, detail: null })
      const [away = 0] = await receive(store, 'x')
      await resume(store, one)
      const [back = 0] = await receive(store, 'x')
      expect((await validAt(store, before, one))?.definition).toEqual(one.definition)
      expect((await validAt(store, away, one))?.definition).toBeNull()
      expect((await validAt(store, back, one))?.definition).toEqual(one.definition)
      expect((await validAt(store, back, one))?.fromSeq).toBe(away + 1)
    },
  },
  {
    name: 'a pause is no version — what waits meanwhile was routed all the same',
    async run({ store }) {
      const one = await addDestination(store)
      await pause(store, one)
      const [seq = 0] = await receive(store, 'x')
      await resume(store, one)
      expect(await store.destinationVersions(seq)).toMatchObject([{ version: one.version, fromSeq: 1 }])
    },
  },
  {
    name: 'the versions of several destinations are told apart',
    async run({ store }) {
      const one = await addDestination(store)
      const two = await addDestination(store)
      const [seq = 0] = await receive(store, 'x')
      await redefine(store, two, { kind: 'three' })
      await store.removeDestination(one.id, 'skip', 100)
      const [later = 0] = await receive(store, 'x')
      expect((await validAt(store, seq, one))?.definition).toEqual(one.definition)
      expect((await validAt(store, seq, two))?.definition).toEqual(two.definition)
      expect((await validAt(store, later, two))?.version).toBe(two.version + 1)
    },
  },
]

/** The version by which an event was routed: the latest that is not after it. */
async function validAt(
  store: Store,
  seq: number,
  { id }: { id: string },
): Promise<DestinationVersion | null> {
  const versions = (await store.destinationVersions(seq)).filter(
    (version) => version.id === id && version.fromSeq <= seq,
  )
  const latest = versions.toSorted((a, b) => a.version - b.version).at(-1)
  return latest ?? null
}
