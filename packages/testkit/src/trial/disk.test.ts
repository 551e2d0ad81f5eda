import { afterEach, expect, test } from 'vitest'
import { newEvent } from '../store-contract/index.ts'
import { Disk } from './disk.ts'

const disks: Disk[] = []
afterEach(async () => {
  for (const disk of disks.splice(0)) await disk.dispose()
})

async function openDisk(): Promise<Disk> {
  const disk = await Disk.open(() => 0)
  disks.push(disk)
  return disk
}

/** Folds what there is without looking at it. */
async function fold({ store }: Disk): Promise<void> {
  const read = await store.foldRead('node-1', 100, 1024 * 1024)
  const written = await store.foldCommit({
    expectedFoldedSeq: read?.foldedSeq ?? 0,
    expectedRouting: read?.routing ?? 0,
    foldedSeq: read?.events.at(-1)?.seq ?? 0,
    calls: [],
    events: [],
    marked: [],
    deliveries: [],
  })
  expect(written).toBe(true)
}

test('a power loss takes back what was written after that place, and nothing before it', async () => {
  const disk = await openDisk()
  await disk.store.append([newEvent(), newEvent()])
  const kept = disk.position
  await fold(disk)
  expect(await disk.store.logBounds()).toMatchObject({ newestSeq: 2, foldedSeq: 2 })
  await disk.lose(kept)
  expect(await disk.store.logBounds()).toMatchObject({ newestSeq: 2, foldedSeq: 0 })
  expect(disk.life).toBe(2)
})

test('a commit that is cut in two is not there at all', async () => {
  const disk = await openDisk()
  await disk.store.append([newEvent()])
  const before = disk.position
  await disk.store.append([newEvent({ body: new Uint8Array(100_000) })])
  expect(disk.position).toBeGreaterThan(before + 10)
  await disk.lose(disk.position - 1)
  expect(await disk.store.logBounds()).toMatchObject({ newestSeq: 1 })
})

test('places go on growing over power losses - what was done can be put in order by them', async () => {
  const disk = await openDisk()
  let last = disk.position
  for (let round = 0; round < 5; round += 1) {
    await disk.store.append([newEvent()])
    expect(disk.position).toBeGreaterThan(last)
    last = disk.position
    await fold(disk)
    await disk.lose(last)
    expect(disk.position).toBeGreaterThanOrEqual(last)
    expect(await disk.store.logBounds()).toMatchObject({ newestSeq: round + 1, foldedSeq: 0 })
  }
})
