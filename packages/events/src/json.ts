import type { Issue } from './event.ts'

export type JsonObject = Record<string, unknown>

/**
 * Nesting that a body may have, its outermost object included. JSON.parse reads any depth, but whatever walks a
 * value afterwards (JSON.stringify, structured clone, the databases) has limits of its own far below.
 */
export const bodyNestingMax = 64

/** Issues that one event can collect; a list of 100,000 odd turns says nothing more than its first ones do. */
const issuesMax = 20

export function note(issues: Issue[], path: string, message: string): void {
  if (issues.length < issuesMax) issues.push({ path, message })
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** How messages speak of a value: by its kind, never by its content. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

/** Assigns an own property under any name: plain assignment of `__proto__` would set the prototype instead. */
export function setOwn<T>(target: Record<string, T>, name: string, value: T): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true })
  } else {
    target[name] = value
  }
}

/** Goes no deeper than `levels` itself, so that any value can be asked. */
export function nestsDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  for (const child of Array.isArray(value) ? value : Object.values(value)) {
    if (typeof child === 'object' && child !== null && nestsDeeperThan(child, levels - 1)) return true
  }
  return false
}
