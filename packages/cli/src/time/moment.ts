import { InvalidArgumentError } from 'commander'
import { readDuration } from './duration.ts'

/** An ISO 8601 date, with a time or without, and with a zone or without; without one it is local. */
const isoPattern = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:?\d\d)?)?$/

/** A moment as people write one: `2026-03-01`, `2026-03-01T09:30`, or `2h`, which counts from now. */
function readMoment(text: string, nowMs: number, direction: 'ago' | 'ahead'): number | null {
  const duration = readDuration(text)
  if (duration !== null) return direction === 'ago' ? nowMs - duration : nowMs + duration
  if (!isoPattern.test(text)) return null
  // A date alone would be read as UTC, with a time as local; people mean local both times.
  const ms = Date.parse(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T'))
  return Number.isNaN(ms) ? null : ms
}

/** For an option; a duration counts back from now. */
export function pastOption(text: string): string {
  return momentOption(text, 'ago')
}

/** For an option; a duration counts ahead from now. */
export function futureOption(text: string): string {
  return momentOption(text, 'ahead')
}

function momentOption(text: string, direction: 'ago' | 'ahead'): string {
  const ms = readMoment(text, Date.now(), direction)
  if (ms === null) {
    const hours = direction === 'ago' ? 'two hours ago' : 'two hours from now'
    throw new InvalidArgumentError(
      `Expected a time such as 2026-03-01 or 2026-03-01T09:30Z, or a duration such as 2h for ${hours}.`,
    )
  }
  return new Date(ms).toISOString()
}

/** `2026-03-01 09:30:00` in the zone of this machine; a dash where there is no time. */
export function localTime(iso: string | null): string {
  if (iso === null) return '–'
  const date = new Date(iso)
  const two = (number: number): string => String(number).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** Only the time of day. */
export function localClock(iso: string): string {
  return localTime(iso).slice(11)
}

/** The name of that zone, such as `Asia/Riyadh`. */
export function zoneName(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone
}

/** The end of that name, short enough for the head of a column; unlike an offset it holds for summer and winter. */
export function zonePlace(): string {
  return zoneName().split('/').at(-1)?.replaceAll('_', ' ') ?? ''
}
