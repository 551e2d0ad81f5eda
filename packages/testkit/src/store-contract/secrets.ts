import { expect } from 'vitest'
import { sampleTime, secret } from './samples.ts'
import type { StoreCase } from './suite.ts'

export const secretCases: StoreCase[] = [
  {
    name: 'secrets come back as they were given, oldest first',
    async run({ store }) {
      const given = [
        secret({ origin: 'environment', createdAt: sampleTime + 2 }),
        secret({
          label: `it's "the" label`,
          expiresAt: sampleTime + 9,
          lastUsedAt: sampleTime,
          createdAt: sampleTime,
        }),
        secret({ source: 'other', origin: 'config', createdAt: sampleTime + 1 }),
        secret({ origin: 'file', createdAt: sampleTime + 3 }),
      ]
      for (const one of given) expect(await store.addSecret(one)).toEqual(one)
      expect(await store.listSecrets()).toEqual([given[1], given[2], given[0], given[3]])
    },
  },
  {
    name: 'a secret that is known already stays as it is, and is what the second adding gets',
    async run({ store }) {
      const first = await store.addSecret(secret({ expiresAt: sampleTime + 9 }))
      const again = secret({ hash: first.hash, origin: 'environment', label: 'again', createdAt: 1 })
      expect(await store.addSecret(again)).toEqual(first)
      expect(await store.listSecrets()).toEqual([first])
    },
  },
  {
    name: 'one secret may serve two sources',
    async run({ store }) {
      const first = await store.addSecret(secret())
      const second = secret({ hash: first.hash, source: 'other', createdAt: first.createdAt + 1 })
      expect(await store.addSecret(second)).toEqual(second)
      expect(await store.listSecrets()).toEqual([first, second])
    },
  },
  {
    name: 'a secret that several nodes add at once is there once — each takes it from its own environment',
    async run({ store, second }) {
      const other = await second()
      const { hash } = secret()
      const added = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          (index % 2 === 0 ? store : other).addSecret(secret({ hash })),
        ),
      )
      expect(new Set(added.map(({ id }) => id)).size).toBe(1)
      expect(await store.listSecrets()).toEqual([added[0]])
    },
  },
  {
    name: 'the end of a secret is set where source and id are those of the secret',
    async run({ store }) {
      const one = await store.addSecret(secret())
      expect(await store.expireSecret('other', one.id, 1)).toBe(false)
      expect(await store.expireSecret(one.source, 'unknown', 1)).toBe(false)
      expect(await store.listSecrets()).toEqual([one])
      expect(await store.expireSecret(one.source, one.id, sampleTime + 5)).toBe(true)
      expect(await store.listSecrets()).toEqual([{ ...one, expiresAt: sampleTime + 5 }])
    },
  },
  {
    name: 'a secret is removed where source and id are those of the secret, and may be added again',
    async run({ store }) {
      const one = await store.addSecret(secret())
      expect(await store.removeSecret('other', one.id)).toBe(false)
      expect(await store.removeSecret(one.source, one.id)).toBe(true)
      expect(await store.removeSecret(one.source, one.id)).toBe(false)
      expect(await store.listSecrets()).toEqual([])
      const again = secret({ hash: one.hash })
      expect(await store.addSecret(again)).toEqual(again)
    },
  },
  {
    name: 'the last use of a secret moves forward and never back — nodes note it late and in any order',
    async run({ store }) {
      const one = await store.addSecret(secret())
      const other = await store.addSecret(secret())
      await store.touchSecrets([])
      await store.touchSecrets([
        { id: one.id, lastUsedAt: 50 },
        { id: 'unknown', lastUsedAt: 99 },
        { id: one.id, lastUsedAt: 40 },
      ])
      expect((await store.listSecrets()).map(({ lastUsedAt }) => lastUsedAt)).toEqual([50, null])
      await store.touchSecrets([
        { id: other.id, lastUsedAt: 10 },
        { id: one.id, lastUsedAt: 30 },
      ])
      expect((await store.listSecrets()).map(({ lastUsedAt }) => lastUsedAt)).toEqual([50, 10])
      await store.touchSecrets([{ id: one.id, lastUsedAt: 60 }])
      expect((await store.listSecrets()).map(({ lastUsedAt }) => lastUsedAt)).toEqual([60, 10])
    },
  },
]
