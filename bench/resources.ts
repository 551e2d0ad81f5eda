import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const isLinux = process.platform === 'linux'
/** The kernel counts CPU time in these; 100 on every Linux that Node runs on, but it is the system's to say. */
const ticksPerSecond = isLinux ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) : 100

export interface Cpu {
  seconds: number
  /** The same by thread where the system tells (Linux), busiest first. Threads that have ended are missing. */
  threads: { name: string; seconds: number }[]
}

/** CPU time (user and system, all threads) that a process has used since it started. */
export function cpuOf(pid: number): Cpu {
  if (!isLinux) return { seconds: parseTime(ps(pid, 'time')), threads: [] }
  const threads = readdirSync(`/proc/${pid}/task`).map((id) => {
    const { name, seconds } = parseStat(readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8'))
    return { name, seconds }
  })
  threads.sort((a, b) => b.seconds - a.seconds)
  return { seconds: parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8')).seconds, threads }
}

function parseStat(stat: string): { name: string; seconds: number } {
  // The name stands in brackets and may hold spaces and brackets; the fields after it are plain.
  const nameEnd = stat.lastIndexOf(')')
  const fields = stat.slice(nameEnd + 2).split(' ')
  // utime and stime, fields 14 and 15 of proc(5), of which the first two are cut off here.
  const ticks = Number(fields[11]) + Number(fields[12])
  return { name: stat.slice(stat.indexOf('(') + 1, nameEnd), seconds: ticks / ticksPerSecond }
}

export interface Memory {
  /** Resident bytes now, all threads. */
  resident: number
  /** The most there ever was; null where the system does not tell. */
  peak: number | null
}

export function memoryOf(pid: number): Memory {
  if (!isLinux) return { resident: Number(ps(pid, 'rss')) * 1024, peak: null }
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const bytes = (field: string): number =>
    Number(new RegExp(String.raw`^${field}:\s+(\d+) kB`, 'm').exec(status)?.[1]) * 1024
  return { resident: bytes('VmRSS'), peak: bytes('VmHWM') }
}

function ps(pid: number, field: string): string {
  return execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).trim()
}

/** "1-02:03:04.5", where days, hours and fractions may be missing. */
function parseTime(text: string): number {
  const [days, clock] = text.includes('-') ? text.split('-') : ['0', text]
  const seconds = (clock ?? '').split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
  return Number(days) * 86_400 + seconds
}
