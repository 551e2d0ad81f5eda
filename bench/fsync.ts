import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Histogram, Percentiles } from './load/histogram.ts'

const pageBytes = 4096
/** Written round and round, as a store writes its write-ahead log: the first round grows the file, the others do not. */
const filePages = 1024
/** The loop is synchronous, to measure the disk and not the thread pool; between slices signals are heard. */
const sliceMs = 50

/**
 * How long it takes to bring 4 KiB to the disk: write and fdatasync in a loop for `durationMs`, in the given folder.
 * Milliseconds. Runs may be added up in one histogram.
 */
export async function measureFsync(
  folder: string,
  durationMs: number,
  histogram: Histogram,
): Promise<Percentiles> {
  const path = join(folder, 'fsync-probe')
  const page = Buffer.alloc(pageBytes, 1)
  const file = openSync(path, 'w')
  try {
    const end = performance.now() + durationMs
    for (let n = 0; performance.now() < end; await setImmediate()) {
      const sliceEnd = performance.now() + sliceMs
      for (; performance.now() < sliceEnd; n++) {
        const started = performance.now()
        writeSync(file, page, 0, pageBytes, (n % filePages) * pageBytes)
        fdatasyncSync(file)
        histogram.record((performance.now() - started) * 1000)
      }
    }
  } finally {
    closeSync(file)
    rmSync(path)
  }
  return histogram.summary()
}
