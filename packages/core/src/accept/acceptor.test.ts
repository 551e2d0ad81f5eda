import { afterEach, describe, expect, test } from 'vitest'
import type { Appended, NewEvent } from '../store/store.ts'
import { StoreError } from '../store/store-error.ts'
import { Acceptor, type Accepted } from './acceptor.ts'

/** A store whose commits end when the test says so. */
class HeldStore {
  readonly commits: { batch: readonly NewEvent[]; finish(): void; fail(error: unknown): void }[] = []
  #seq = 0

  append(batch: readonly NewEvent[]): Promise<Appended[]> {
    return new Promise((resolve, reject) => {
      this.commits.push({
        batch,
        finish: () =>
          resolve(batch.map(({ id }) => ({ id, seq: (this.#seq += 1), duplicate: false, collision: false }))),
        fail: reject,
      })
    })
  }

  /** The commit of that number, once it has begun; bounded by a hundred turns of the event loop. */
  async commit(index: number): Promise<HeldStore['commits'][number]> {
    for (let turn = 0; turn < 100; turn += 1) {
      const commit = this.commits[index]
      if (commit !== undefined) return commit
      await new Promise((resolve) => setImmediate(resolve))
    }
    throw new Error(`commit ${index} never began`)
  }
}

function event(id: string, bytes = 10): NewEvent {
  return {
    id,
    source: 'hamsa',
    callId: 'call_1',
    type: 'call.ended',
    dialect: 'v1',
    occurredAt: 1,
    receivedAt: 1,
    content: new Uint8Array(16),
    body: new Uint8Array(bytes),
  }
}

let acceptor: Acceptor
let nowMs = 0
afterEach(() => acceptor.close())

function start(
  store: HeldStore,
  commitsMax = 1,
): { accept(e: NewEvent): Promise<Accepted>; settled: string[] } {
  nowMs = 0
  const settled: string[] = []
  acceptor = new Acceptor({
    append: (batch) => store.append(batch),
    commitMs: 4_000,
    commitsMax,
    now: () => nowMs,
  })
  return {
    settled,
    accept: (e) => new Promise((resolve) => acceptor.accept(e, resolve, () => settled.push(e.id))),
  }
}

describe('group commit', () => {
  test('events that come during a commit are written together - one fsync serves them all', async () => {
    const store = new HeldStore()
    const { accept } = start(store)
    const first = accept(event('a'))
    const running = await store.commit(0)
    const later = ['b', 'c', 'd'].map((id) => accept(event(id)))
    running.finish()
    expect(await first).toMatchObject({ ok: true, appended: { id: 'a' } })
    const second = await store.commit(1)
    expect(second.batch.map(({ id }) => id)).toEqual(['b', 'c', 'd'])
    second.finish()
    expect(await Promise.all(later)).toHaveLength(3)
    expect(store.commits).toHaveLength(2)
  })

  test('a body over 1 MiB commits alone - a hundred small ones do not wait for it', async () => {
    const store = new HeldStore()
    const { accept } = start(store)
    const all = [event('a'), event('big', 1024 * 1024 + 1), event('b')].map(accept)
    for (const index of [0, 1, 2]) (await store.commit(index)).finish()
    await Promise.all(all)
    expect(store.commits.map(({ batch }) => batch.map(({ id }) => id))).toEqual([['a'], ['big'], ['b']])
  })

  test('a group is bounded in events and bytes - the first does not wait for an endless tail', async () => {
    const store = new HeldStore()
    const { accept } = start(store)
    const all = Array.from({ length: 1_000 }, (_, index) => accept(event(`e${index}`)))
    for (const index of [0, 1]) (await store.commit(index)).finish()
    await Promise.all(all)
    expect(store.commits.map(({ batch }) => batch.length)).toEqual([512, 488])
  })
})

describe('when the store does not do its part', () => {
  test('a failed commit fails every event in it - nothing is acknowledged that is not on disk', async () => {
    const store = new HeldStore()
    const { accept, settled } = start(store)
    const first = accept(event('a'))
    const running = await store.commit(0)
    const group = ['b', 'c'].map((id) => accept(event(id)))
    running.finish()
    expect(await first).toMatchObject({ ok: true })
    ;(await store.commit(1)).fail(new StoreError('full'))
    for (const result of await Promise.all(group)) {
      expect(result).toMatchObject({ ok: false, error: { code: 'full', outcome: 'none' } })
    }
    expect(settled).toEqual(['a', 'b', 'c'])
  })

  test('an error that nobody expected is a failure of unknown outcome', async () => {
    const store = new HeldStore()
    const { accept } = start(store)
    const result = accept(event('a'))
    ;(await store.commit(0)).fail(new TypeError('broken'))
    expect(await result).toMatchObject({ ok: false, error: { outcome: 'unknown' } })
  })

  test('a commit that takes too long is answered as unknown, and its bytes stay counted until it is decided', async () => {
    const store = new HeldStore()
    const { accept, settled } = start(store)
    const result = accept(event('a'))
    const commit = await store.commit(0)
    nowMs = 3_999
    acceptor.sweep()
    nowMs = 4_000
    acceptor.sweep()
    expect(await result).toMatchObject({ ok: false, error: { outcome: 'unknown' } })
    expect(settled).toEqual([])
    commit.finish()
    await acceptor.drained()
    expect(settled).toEqual(['a'])
  })

  test('what waited too long behind a stuck commit is dropped, with a certain outcome', async () => {
    const store = new HeldStore()
    const { accept, settled } = start(store)
    const stuck = accept(event('a'))
    const commit = await store.commit(0)
    const waiting = accept(event('b'))
    nowMs = 5_000
    acceptor.sweep()
    expect(await waiting).toMatchObject({ ok: false, error: { outcome: 'none' } })
    expect(settled).toEqual(['b'])
    await stuck
    commit.finish()
    await acceptor.drained()
    expect(store.commits).toHaveLength(1)
  })
})
