import { expect } from 'vitest'
import type { AgentDefinition, Store, StoredAgent } from '@hookswitch/core'
import { newAgent } from './publishing.ts'
import type { StoreCase } from './suite.ts'

export const agentCases: StoreCase[] = [
  {
    name: 'an agent comes back as it was given, whatever its texts, also after the store was opened again',
    async run({ store, reopen }) {
      expect(await listed(store)).toEqual([])
      const outcomeSchema = JSON.parse(
        `{"__proto__":{"a":1},"properties":{"":{"const":"\\u0000"},"\\ud800":{"n":[1e308,-0.5]}}}`,
      ) as Record<string, unknown>
      const given = newAgent({
        definition: { name: `o'brien"; -- 📞 \0 \ud800`, project: 'مشروع', outcomeSchema },
      })
      const added = await add(store, given)
      expect(added.id).toBe(given.id)
      expect(added.version).toBe(1)
      expect(added.updatedAt).toBe(added.createdAt)
      expect(added.createdAt).toBeGreaterThan(0)
      expect(JSON.stringify(added.definition)).toBe(JSON.stringify(given.definition))
      expect(await store.getAgent(given.id)).toEqual(added)
      const again = await reopen()
      expect(await again.getAgent(given.id)).toEqual(added)
      expect(await listed(again)).toEqual([added])
    },
  },
  {
    name: 'agents are listed in the order in which they were made, page by page without a gap or a repeat',
    async run({ store }) {
      const added: StoredAgent[] = []
      for (const id of ['c', 'a', 'e', 'b', 'd']) added.push(await add(store, newAgent({ id })))
      expect(await listed(store)).toEqual(added)
      for (const limit of [1, 2, 5]) {
        const pages: StoredAgent[] = []
        for (let page = await store.listAgents({ after: 0, limit }); page.length > 0;) {
          pages.push(...page)
          page = await store.listAgents({ after: page.at(-1)?.key ?? 0, limit })
        }
        expect(pages).toEqual(added)
      }
      // The number of one that is gone is not given again: a page that is asked for would begin at the wrong place.
      const last = added.at(-1)
      await store.removeAgent(last?.id ?? '')
      expect((await add(store, newAgent())).key).toBeGreaterThan(last?.key ?? 0)
    },
  },
  {
    name: 'an id is given once, also where several nodes give it at once',
    async run({ store, second }) {
      const other = await second()
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          (index % 2 === 0 ? store : other).addAgent(
            newAgent({ id: 'one', definition: definition(`name-${index}`) }),
          ),
        ),
      )
      const added = answers.filter((answer) => answer !== null)
      expect(added).toHaveLength(1)
      expect(await store.addAgent(newAgent({ id: 'one' }))).toBeNull()
      expect(await listed(store)).toEqual(added)
      // Ids are told apart character by character.
      expect(await store.addAgent(newAgent({ id: 'ONE' }))).not.toBeNull()
    },
  },
  {
    name: 'a change is written and counts the version, and the others stay as they are',
    async run({ store }) {
      const other = await add(store)
      const before = await add(store)
      const changed = await store.changeAgent(before.id, 1, definition('Clinic'))
      expect(changed).toMatchObject({
        id: before.id,
        key: before.key,
        version: 2,
        definition: definition('Clinic'),
        createdAt: before.createdAt,
      })
      expect(await store.getAgent(before.id)).toEqual(changed)
      expect(await listed(store)).toEqual([other, changed])
    },
  },
  {
    name: 'of several changes of one version exactly one is written, and one of another version is not',
    async run({ store, second }) {
      const other = await second()
      const before = await add(store)
      expect(await store.changeAgent(before.id, 2, definition('early'))).toBe('changed')
      expect(await store.changeAgent('agt_unknown', 1, definition('none'))).toBe('not_found')
      const changes = await Promise.all(
        Array.from({ length: 8 }, (_, index) =>
          (index % 2 === 0 ? store : other).changeAgent(before.id, 1, definition(`name-${index}`)),
        ),
      )
      const written = changes.filter((answer) => typeof answer !== 'string')
      expect(written).toHaveLength(1)
      expect(changes.filter((answer) => answer === 'changed')).toHaveLength(7)
      expect(await listed(store)).toEqual(written)
    },
  },
  {
    name: 'the same definition again changes nothing of an agent, whatever the order of its fields',
    async run({ store }) {
      const before = await add(store)
      const { name, project, outcomeSchema } = before.definition
      expect(await store.changeAgent(before.id, 1, { outcomeSchema, project, name })).toEqual(before)
      expect(await store.getAgent(before.id)).toEqual(before)
    },
  },
  {
    name: 'an agent that was removed is gone, and its id may be given again',
    async run({ store }) {
      const kept = await add(store)
      const { id } = await add(store)
      expect(await store.removeAgent(id)).toBe(true)
      expect(await store.removeAgent(id)).toBe(false)
      expect(await store.getAgent(id)).toBeNull()
      expect(await listed(store)).toEqual([kept])
      expect((await add(store, newAgent({ id }))).version).toBe(1)
    },
  },
  {
    name: 'an agent that nobody can be called is not found, and no failure',
    async run({ store }) {
      const before = await add(store)
      for (const id of ['', 'x\0', '\ud800', `'; --`, 'x'.repeat(10_000)]) {
        expect(await store.getAgent(id)).toBeNull()
        expect(await store.changeAgent(id, 1, definition('x'))).toBe('not_found')
        expect(await store.removeAgent(id)).toBe(false)
      }
      expect(await listed(store)).toEqual([before])
    },
  },
]

function definition(name: string): AgentDefinition {
  return { name, project: null, outcomeSchema: null }
}

async function add(store: Store, agent = newAgent()): Promise<StoredAgent> {
  const added = await store.addAgent(agent)
  if (added === null) throw new Error('the id of the sample is taken')
  return added
}

function listed(store: Store): Promise<StoredAgent[]> {
  return store.listAgents({ after: 0, limit: 100 })
}
