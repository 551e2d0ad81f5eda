import { InvalidArgumentError, Option } from 'commander'

export function jsonOption(description = 'print JSON'): Option {
  return new Option('--json', description)
}

/** For an option: a whole number from 1. */
export function countOption(max: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
    if (count < 1 || count > max) throw new InvalidArgumentError(`Expected a whole number from 1 to ${max}.`)
    return count
  }
}

/** For an option that may be given several times. */
export function collected(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text]
}
