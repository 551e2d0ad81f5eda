import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from './repository.ts'

// What modules keep to themselves, read from their text, and the amounts of the pages in the same units.

export function sourceOf(file: string): string {
  return readFileSync(join(repositoryRoot, file), 'utf8')
}

/** The quoted texts of a list. */
export function namesIn(file: string, constant: string): string[] {
  const [, list] = new RegExp(`const ${constant}\\b[^=]*= ([\\s\\S]*?\\])\\n(?! )`).exec(sourceOf(file)) ?? []
  if (list === undefined) throw new Error(`${file} has no list ${constant}`)
  return [...list.matchAll(/'([^']+)'/g)].map(([, name = '']) => name)
}

/** The members of a union of texts, which may have comments between them. */
export function membersOf(file: string, type: string): string[] {
  const [, union] = new RegExp(`^export type ${type} =([\\s\\S]*?)\\n\\n`, 'm').exec(sourceOf(file)) ?? []
  if (union === undefined) throw new Error(`${file} has no type ${type}`)
  return [...union.matchAll(/\| '(\w+)'/g)].map(([, member = '']) => member)
}

/** What some constants are a multiple of. */
const named: Record<string, number> = { mebibyte: 1024 * 1024 }

/** The value of a constant that is a product of numbers, times in milliseconds; `group.name` is a member of an object. */
export function constantIn(file: string, name: string): number {
  const factor = `(?:[\\d_]+|${Object.keys(named).join('|')})`
  const pattern = name.split('.').join(String.raw`(?: =|:) \{[^}]*?\b`)
  const found = new RegExp(String.raw`\b${pattern}(?: =|:) (${factor}(?: \* ${factor})*)`).exec(
    sourceOf(file),
  )
  if (found === null) throw new Error(`${file} has no constant ${name}`)
  const [, product = ''] = found
  const value = product
    .split(' * ')
    .map((text) => named[text] ?? Number(text.replaceAll('_', '')))
    .reduce((one, other) => one * other, 1)
  return /seconds/i.test(name) ? value * 1000 : value
}

const units: Record<string, number> = {
  KiB: 1024,
  MiB: 1024 * 1024,
  ms: 1,
  s: 1000,
  min: 60 * 1000,
  h: 60 * 60 * 1000,
  days: 24 * 60 * 60 * 1000,
}

/** `10 MiB` in bytes, `10 s` in milliseconds, `200 characters` as it is. */
export function amountOf(limit: string): number {
  const [, amount = '', unit = ''] = /^([\d,.]+)(?: (\w+))?$/.exec(limit) ?? []
  return Math.round(Number(amount.replaceAll(',', '')) * (units[unit] ?? 1))
}
