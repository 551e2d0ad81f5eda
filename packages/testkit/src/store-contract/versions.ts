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
  {
    name: 'of a destination that was changed often three versions are told at most: the valid, the next and the latest',
    async run({ store }) {
      let one = await addDestination(store)
      const other = await addDestination(store)
      const seqs: number[] = []
      for (const kind of ['b', 'c', 'd', 'e']) {
        seqs.push(...(await receive(store, 'x')))
        one = await redefine(store, one, { kind })
      }
      const toldAt = async (seq: number): Promise<number[]> =>
        (await store.destinationVersions(seq)).filter(({ id }) => id === one.id).map(({ version }) => version)
      expect(await toldAt(seqs[0] ?? 0)).toEqual([1, 2, 5])
      expect(await toldAt(seqs[2] ?? 0)).toEqual([3, 4, 5])
      expect(await toldAt(seqs[3] ?? 0)).toEqual([4, 5])
      expect(await toldAt((seqs[3] ?? 0) + 1)).toEqual([5])
      expect(await toldAt(0)).toEqual([1, 5])
      await store.removeDestination(one.id, 'skip', 100)
      expect(await toldAt(seqs[0] ?? 0)).toEqual([1, 2, 6])
      expect(await toldAt((seqs[3] ?? 0) + 1)).toEqual([6])
      expect((await store.destinationVersions(0)).filter(({ id }) => id === other.id)).toHaveLength(1)
    },
  },
  {
    name: 'a destination is known by its id and the name that it had last, also after it was removed',
    async run({ store }) {
      const one = await addDestination(store, { name: 'first' })
      await redefine(store, one, { name: 'renamed' })
      await receive(store, 'x')
      await store.removeDestination(one.id, 'skip', 100)
      const two = await addDestination(store, { name: 'renamed' })
      const three = await addDestination(store, { name: 'first' })
      const [renamed, again, first] = [
        { key: one.key, id: one.id, name: 'renamed' },
        { key: two.key, id: two.id, name: 'renamed' },
        { key: three.key, id: three.id, name: 'first' },
      ]
      const keys = [three.key, one.key, 999_999]
      expect(await store.destinationNames({ keys })).toEqual([renamed, first])
      expect(await store.destinationNames({ keys: [] })).toEqual([])
      expect(await store.destinationNames({ idOrName: 'renamed' })).toEqual([renamed, again])
      expect(await store.destinationNames({ idOrName: one.id })).toEqual([renamed])
      expect(await store.destinationNames({ idOrName: 'first' })).toEqual([first])
      for (const text of ['none', '', 'x\0', '\ud800', `o'brien`]) {
        expect(await store.destinationNames({ idOrName: text })).toEqual([])
      }
      expect(await store.destinationVersions(999_999)).toMatchObject([
        { id: one.id, name: 'renamed', definition: null },
        { id: two.id, name: 'renamed' },
        { id: three.id, name: 'first' },
      ])
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
