import { expect } from 'vitest'
import { freshFlow, type HoldReason, type Store } from '@hookswitch/core'
import { addDestination, definition, destinationNow, newDestination, pause, resume } from './delivering.ts'
import { readStretch } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const destinationCases: StoreCase[] = [
  {
    name: 'a destination comes back as it was given, and begins without a hold',
    async run({ store }) {
      expect(await store.listDestinations()).toEqual([])
      const given = { ...newDestination(), origin: 'config' as const, sealedSecrets: 'sealed' }
      const added = await store.addDestination(given)
      expect(added).toMatchObject({ ...given, flow: freshFlow })
      expect(added?.updatedAt).toBe(added?.createdAt)
      expect(await store.listDestinations()).toEqual([added])
    },
  },
  {
    name: 'destinations are listed by key, which rises',
    async run({ store }) {
      const added = []
      for (const name of ['b', 'c', 'a']) added.push(await addDestination(store, { name }))
      expect(await store.listDestinations()).toEqual(added)
      const keys = added.map(({ key }) => key)
      expect(keys).toEqual(keys.toSorted((a, b) => a - b))
      expect(new Set(keys).size).toBe(3)
      expect(await store.listDestinations({ name: 'c' })).toEqual([added[1]])
      expect(await store.listDestinations({ name: 'd' })).toEqual([])
    },
  },
  {
    name: 'a definition comes back as it was given, whatever its text, numbers and names',
    async run({ store }) {
      const settings = JSON.parse(
        `{"__proto__":{"a":1},"constructor":null,"":"\\u0000","\\ud800":"\\udfff","n":[1e308,-0.5],"deep":${'['.repeat(62)}${']'.repeat(62)},"${'k'.repeat(200)}":"'; DROP TABLE destinations; --"}`,
      ) as Record<string, unknown>
      const given = definition({
        name: 'x'.repeat(64),
        events: ['call.ended', `o'brien"`],
        scope: { sources: ['hamsa', String.raw`back\slash`], agents: ['agent 📞', '\ud83d'] },
        filter: { jsonata: `event.type = "call.ended" /* 'quoted' \0 */` },
        template: { function: true },
        lane: { path: 'event.body.a' },
        onExhausted: 'park',
        retry: { delaysSeconds: [0.5, 604_800] },
        limits: { concurrency: 1, perSecond: 0.1 },
        settings,
      })
      await store.addDestination({ ...newDestination(), definition: given })
      const [stored] = await store.listDestinations()
      expect(JSON.stringify(stored?.definition)).toBe(JSON.stringify(given))
    },
  },
  {
    name: 'a name is given once',
    async run({ store }) {
      const one = await addDestination(store, { name: 'one' })
      expect(await store.addDestination(newDestination({ name: 'one' }))).toBeNull()
      expect(await store.listDestinations()).toEqual([one])
    },
  },
  {
    name: 'a name that several nodes give at once is given to one — each reads the same config file',
    async run({ store, second }) {
      const other = await second()
      const added = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          (index % 2 === 0 ? store : other).addDestination(newDestination({ name: 'one' })),
        ),
      )
      expect(added.filter((one) => one !== null)).toHaveLength(1)
      expect(await store.listDestinations()).toEqual(added.filter((one) => one !== null))
    },
  },
  {
    name: 'a change is written and counts the version, and leaves the others as they are',
    async run({ store }) {
      const other = await addDestination(store)
      const before = await addDestination(store)
      const changed = await store.changeDestination(before.id, before.version, {
        definition: definition({ name: 'renamed', events: ['call.ended'] }),
        sealedSecrets: 'sealed',
      })
      expect(changed).toMatchObject({
        key: before.key,
        id: before.id,
        origin: before.origin,
        version: before.version + 1,
        definition: { name: 'renamed', events: ['call.ended'] },
        sealedSecrets: 'sealed',
        createdAt: before.createdAt,
      })
      expect(await store.listDestinations()).toEqual([other, changed])
      // The old name is free again.
      expect(await store.addDestination(newDestination({ name: before.definition.name }))).not.toBeNull()
    },
  },
  {
    name: 'a change is refused where the version is not the present one, the name is taken or the id unknown',
    async run({ store }) {
      const other = await addDestination(store, { name: 'taken' })
      const one = await addDestination(store)
      const change = async (id: string, version: number, name: string): Promise<unknown> =>
        store.changeDestination(id, version, { definition: definition({ name }), sealedSecrets: null })
      expect(await change(one.id, one.version - 1, 'free')).toBe('changed')
      expect(await change(one.id, one.version + 1, 'free')).toBe('changed')
      expect(await change(one.id, one.version, 'taken')).toBe('name_taken')
      expect(await change('dst_unknown', one.version, 'free')).toBe('not_found')
      expect(await store.listDestinations()).toEqual([other, one])
    },
  },
  {
    name: 'of several changes of one version exactly one is written',
    async run({ store, second }) {
      const other = await second()
      const before = await addDestination(store)
      const changes = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          (index % 2 === 0 ? store : other).changeDestination(before.id, before.version, {
            definition: definition({ name: `name-${index}` }),
            sealedSecrets: null,
          }),
        ),
      )
      const written = changes.filter((answer) => typeof answer !== 'string')
      expect(written).toHaveLength(1)
      expect(changes.filter((answer) => answer === 'changed')).toHaveLength(7)
      expect(await store.listDestinations()).toEqual(written)
    },
  },
  {
    name: 'the same definition and secrets again change nothing — a config file is read at each start',
    async run({ store }) {
      const before = await addDestination(store)
      const { routing } = await readStretch(store)
      const change = { definition: structuredClone(before.definition), sealedSecrets: null }
      expect(await store.changeDestination(before.id, before.version, change)).toEqual(before)
      expect(await store.listDestinations()).toEqual([before])
      expect((await readStretch(store)).routing).toBe(routing)
    },
  },
  {
    name: 'other secrets alone are a change — nodes that hold the old ones must notice',
    async run({ store }) {
      const before = await addDestination(store)
      await store.holdDestination(before.id, { reason: 'auth', until: null, detail: null })
      const changed = await store.changeDestination(before.id, before.version, {
        definition: before.definition,
        sealedSecrets: 'new',
      })
      expect(changed).toMatchObject({ sealedSecrets: 'new', version: before.version + 1 })
      expect((await destinationNow(store, before)).sealedSecrets).toBe('new')
      expect((await destinationNow(store, before)).flow.hold).toBeNull()
    },
  },
  {
    name: 'a hold is set, replaced and ended',
    async run({ store }) {
      const { id, ...rest } = await addDestination(store)
      const detail = `the night's "maintenance" 📞`
      const held = await pause(store, { id })
      expect(held).toMatchObject({ id, key: rest.key, version: rest.version })
      expect(held?.flow.hold).toMatchObject({ reason: 'paused', until: null, detail: null })
      expect(held?.flow.hold?.since).toBeGreaterThanOrEqual(rest.createdAt)
      const again = await store.holdDestination(id, { reason: 'failing', until: null, detail })
      expect(again?.flow.hold).toMatchObject({ reason: 'failing', until: null, detail })
      expect(await destinationNow(store, { id })).toEqual(again)
      const resumed = await resume(store, { id })
      expect(resumed?.flow.hold).toBeNull()
      expect(await destinationNow(store, { id })).toEqual(resumed)
    },
  },
  {
    name: 'there is no hold on a destination that is not there',
    async run({ store }) {
      await addDestination(store)
      const before = await store.listDestinations()
      expect(await pause(store, { id: 'dst_unknown' })).toBeNull()
      expect(await resume(store, { id: 'dst_unknown' })).toBeNull()
      expect(await store.listDestinations()).toEqual(before)
    },
  },
  {
    name: 'a resume where nothing is held leaves the destination as it is, also its pace',
    async run({ store }) {
      const before = await addDestination(store)
      expect((await resume(store, before))?.flow).toEqual(freshFlow)
    },
  },
  {
    name: 'a change ends the holds that it may be the answer to, and no others',
    async run({ store }) {
      const ends: Record<Exclude<HoldReason, 'breaker' | 'retry_after'>, boolean> = {
        auth: true,
        gone: true,
        failing: true,
        removed: true,
        paused: false,
      }
      for (const [reason, isEnded] of Object.entries(ends)) {
        const { id } = await addDestination(store)
        const held = await store.holdDestination(id, {
          reason: reason as HoldReason,
          until: null,
          detail: 'x',
        })
        await rename(store, held ?? { id, version: -1 })
        const { hold } = (await destinationNow(store, { id })).flow
        expect(hold?.reason ?? null, reason).toBe(isEnded ? null : reason)
      }
    },
  },
  {
    name: 'what nobody can be called is not found, and no failure',
    async run({ store }) {
      const before = await addDestination(store)
      for (const id of ['', 'x\0', '\ud800', `'; --`, 'x'.repeat(10_000)]) {
        expect(await pause(store, { id })).toBeNull()
        expect(await rename(store, { id, version: 1 })).toBe('not_found')
        expect(await store.removeDestination(id, 'refuse', 10)).toBeNull()
      }
      expect(await store.listDestinations()).toEqual([before])
    },
  },
]

async function rename(store: Store, { id, version }: { id: string; version: number }): Promise<unknown> {
  return store.changeDestination(id, version, { definition: definition(), sealedSecrets: null })
}
