import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { text as textOf } from 'node:stream/consumers'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { printable } from '../terminal/printable.ts'

/** What stands before a secret where nobody says otherwise: the guide's endpoints expect it. */
export const authKeyDefault = 'Bearer'

/**
 * What stdin has goes to one option.
 *
 * @param given the values of those that read it at `-`, by their names.
 */
export function requireOneStdin(given: Readonly<Record<string, unknown>>): void {
  const reading = Object.keys(given).filter((option) => given[option] === '-')
  if (reading.length <= 1) return
  throw new CommandFailure(
    'usage',
    `${reading.map((option) => `${option} -`).join(' and ')} would both read stdin: give one of them otherwise.`,
  )
}

/** A secret of the command line; `-` reads it from stdin, so that neither the history nor other processes have it. */
export async function readSecret(given: string, { host }: Context): Promise<string> {
  // What is piped ends with a line break, which is no part of it.
  return given === '-' ? (await textOf(host.stdin)).replace(/\r?\n$/, '') : given
}

/** A file that holds a JSON object; `-` is stdin. */
export async function readObject(file: string, { host }: Context): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = file === '-' ? await textOf(host.stdin) : await readFile(path.resolve(host.cwd(), file), 'utf8')
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new CommandFailure('usage', `${printable(file)} cannot be read: ${printable(problem)}`, {
      cause: error,
    })
  }
  const value = jsonObject(text)
  if (value === null) throw new CommandFailure('usage', `${printable(file)} is not a JSON object.`)
  return value
}

/** Null for everything else. */
export function jsonObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null
  }
}
