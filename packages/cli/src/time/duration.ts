import { InvalidArgumentError } from 'commander'

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/** `90s`, `15m`, `24h`, `7d`, `2w` in milliseconds; null for anything else. */
export function readDuration(text: string): number | null {
  const [, digits, unit] = /^(\d{1,6}(?:\.\d{1,3})?)([smhdw])$/.exec(text) ?? []
  if (digits === undefined || unit === undefined) return null
  return Math.round(Number(digits) * unitMs[unit as keyof typeof unitMs])
}

/** For an option. */
export function durationOption(text: string): number {
  const ms = readDuration(text)
  if (ms === null) throw new InvalidArgumentError('Expected a duration such as 90s, 15m, 24h, 7d or 2w.')
  return ms
}

/** `42 s`, `2 min 5 s`, `1 h 2 min`: two units are as much as a reader takes in. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds * 10) / 10} s`
  const whole = Math.round(seconds)
  const hours = Math.floor(whole / 3600)
  const minutes = Math.floor((whole % 3600) / 60)
  if (hours > 0) return `${hours} h ${minutes} min`
  return `${minutes} min ${whole % 60} s`
}

/** Whole days, hours or minutes, whichever is the largest that there is one of. */
export function formatAge(ms: number): string {
  const [count, unit] =
    ms >= 2 * unitMs.d
      ? [ms / unitMs.d, 'days']
      : ms >= 2 * unitMs.h
        ? [ms / unitMs.h, 'hours']
        : ms >= 2 * unitMs.m
          ? [ms / unitMs.m, 'minutes']
          : [Math.max(0, ms) / unitMs.s, 'seconds']
  return `${Math.floor(count)} ${unit}`
}
