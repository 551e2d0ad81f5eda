import type { Issue } from '../event.ts'
import { kindOf, note } from '../json.ts'

// Outside these years a value is a counter, a duration or a mistake. Within them seconds and milliseconds cannot be
// confused: the year 2100 in seconds is a date of 1970 in milliseconds.
const earliestMs = Date.UTC(1990, 0, 1)
const latestMs = Date.UTC(2100, 0, 1)

const isoPattern =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,12}))?)?\s?([Zz]|[+-]\d\d(?::?\d\d)?)?)?$/
const numericPattern = /^\d{1,16}(?:\.\d{1,12})?$/

/**
 * A moment as Unix milliseconds: ISO 8601 (without a zone it is UTC, and noted), or seconds or milliseconds since
 * 1970, told apart by their magnitude, also as text, also with a fraction. Anything else is null, and noted.
 */
export function readTime(value: unknown, path: string, issues: Issue[]): number | null {
  if (value === undefined || value === null) return null
  if (typeof value === 'number') return ofNumber(value, path, issues)
  if (typeof value !== 'string') {
    note(issues, path, `is ${kindOf(value)}, expected a time`)
    return null
  }
  const iso = isoPattern.exec(value)
  if (iso !== null) return ofIso(iso, path, issues)
  if (numericPattern.test(value)) return ofNumber(Number(value), path, issues)
  note(issues, path, value === '' ? 'is empty, expected a time' : 'is not a time, expected ISO 8601')
  return null
}

function ofNumber(value: number, path: string, issues: Issue[]): number | null {
  const seconds = value * 1000
  if (seconds >= earliestMs && seconds < latestMs) return Math.round(seconds)
  if (value >= earliestMs && value < latestMs) return Math.round(value)
  note(issues, path, 'is outside the years 1990 to 2100, in seconds as in milliseconds')
  return null
}

function ofIso(iso: RegExpExecArray, path: string, issues: Issue[]): number | null {
  const year = Number(iso[1])
  const month = Number(iso[2])
  const day = Number(iso[3])
  const hours = Number(iso[4] ?? 0)
  const minutes = Number(iso[5] ?? 0)
  const seconds = Number(iso[6] ?? 0)
  const milliseconds = Number((iso[7] ?? '0').slice(0, 3).padEnd(3, '0'))
  const zone = iso[8]
  const offset = zoneMs(zone)
  // Date.UTC would carry the 30th of February over into March. A leap second may carry.
  const exists = month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month)
  if (!exists || hours > 23 || minutes > 59 || seconds > 60 || offset === null) {
    note(issues, path, 'is not a time that exists')
    return null
  }
  const time = Date.UTC(year, month - 1, day, hours, minutes, seconds, milliseconds) - offset
  if (time < earliestMs || time >= latestMs) {
    note(issues, path, 'is outside the years 1990 to 2100')
    return null
  }
  if (zone === undefined) note(issues, path, 'has no time zone, taken as UTC')
  return time
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function zoneMs(zone: string | undefined): number | null {
  if (zone === undefined || zone === 'Z' || zone === 'z') return 0
  const hours = Number(zone.slice(1, 3))
  const minutes = zone.length > 3 ? Number(zone.slice(-2)) : 0
  if (hours > 23 || minutes > 59) return null
  return (zone[0] === '-' ? -1 : 1) * (hours * 60 + minutes) * 60_000
}
