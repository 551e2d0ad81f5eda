import { expect } from 'vitest'
import type { AuditEntry, Store } from '@hookswitch/core'
import type { StoreCase } from './suite.ts'

export const auditCases: StoreCase[] = [
  {
    name: 'what a person did is kept as it was told, with the time of it, newest first',
    async run({ store }) {
      expect(await listed(store)).toEqual([])
      const acts = [
        act({ action: 'destination.pause', reason: 'the night’s maintenance' }),
        act({ action: 'destination.resume', detail: { waiting: 3, names: ['a', null], deep: { x: 0.5 } } }),
        act({ actor: `o'brien "📞"` }),
      ]
      for (const one of acts) await store.addAudit(one)
      const entries = await listed(store)
      expect(entries).toMatchObject(acts.toReversed())
      const keys = entries.map(({ key }) => key)
      expect(keys).toEqual(keys.toSorted((a, b) => b - a))
      const times = entries.map(({ at }) => at)
      expect(times).toEqual(times.toSorted((a, b) => b - a))
      expect(times[0]).toBeGreaterThan(0)
    },
  },
  {
    name: 'acts are listed page by page without a gap or a repeat',
    async run({ store }) {
      for (let count = 0; count < 7; count += 1) await store.addAudit(act({ target: `dlv_${count}` }))
      const whole = await listed(store)
      for (const limit of [1, 3, 7]) {
        const pages: AuditEntry[] = []
        for (let page = await listed(store, null, limit); page.length > 0;) {
          pages.push(...page)
          page = await listed(store, page.at(-1)?.key ?? 0, limit)
        }
        expect(pages).toEqual(whole)
      }
    },
  },
  {
    name: 'no text keeps an act from being written down',
    async run({ store }) {
      const texts = ['NUL \0 inside', 'lone \ud800 surrogate', `'";\\--`, '', 'x'.repeat(100_000)]
      for (const text of texts) {
        await store.addAudit(
          act({ actor: text, action: text, target: text, reason: text, detail: { [text]: text } }),
        )
      }
      const entries = (await listed(store)).toReversed()
      expect(entries.map(({ actor }) => actor.slice(0, 3))).toEqual(texts.map((text) => text.slice(0, 3)))
      expect(entries.map(({ detail }) => JSON.stringify(detail))).toEqual(
        texts.map((text) => JSON.stringify({ [text]: text })),
      )
    },
  },
]

function act(wanted: Partial<AuditEntry> = {}): Omit<AuditEntry, 'key' | 'at'> {
  return { actor: 'admin', action: 'delivery.retry', target: 'dlv_1', reason: null, detail: null, ...wanted }
}

function listed(store: Store, before: number | null = null, limit = 100): Promise<AuditEntry[]> {
  return store.listAudit({ before, limit })
}
