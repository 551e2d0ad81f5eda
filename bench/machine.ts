import { execFileSync, type StdioOptions } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

export interface Machine {
  cpu: string
  cores: number
  memoryMiB: number
  kernel: string
  node: string
  /** Where the stores of the run lie. */
  filesystem: string
  freeGiB: number
  /** One-minute load average when the bench started: what else was running. */
  loadBefore: number
  commit: string | null
  /** There were changes beside the commit. */
  dirty: boolean
  date: string
}

/** Magic numbers of statfs(2), for the file systems that one meets. */
const filesystemNames: Record<number, string> = {
  0x01021994: 'tmpfs',
  0x858458f6: 'ramfs',
  0xef53: 'ext4',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x2fc12fc1: 'zfs',
  0x794c7630: 'overlay',
  0x6969: 'nfs',
}

/** The name of the file system that holds the folder: of ext2, 3 and 4 the last. Elsewhere than on Linux its number. */
function filesystemOf(folder: string): string {
  const number = statfsSync(folder).type
  return filesystemNames[number] ?? `0x${number.toString(16)}`
}

/** Memory that poses as a file system: an fsync there costs nothing, and so the figures mean nothing. */
export function isInMemory(folder: string): boolean {
  return ['tmpfs', 'ramfs'].includes(filesystemOf(folder))
}

export function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

export function describeMachine(folder: string): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    kernel: `${type()} ${release()}`,
    node: process.version,
    filesystem: filesystemOf(folder),
    freeGiB: Math.round(freeBytesOf(folder) / 2 ** 30),
    loadBefore: loadavg()[0] ?? 0,
    commit: git('rev-parse', '--short', 'HEAD'),
    dirty: git('status', '--porcelain') !== '',
    date: new Date().toISOString(),
  }
}

function git(...args: string[]): string | null {
  try {
    const stdio: StdioOptions = ['ignore', 'pipe', 'ignore']
    return execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio }).trim()
  } catch {
    return null
  }
}
