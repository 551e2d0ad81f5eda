import type { DestinationDefinition, UserCode } from '@hookswitch/core'

/** A destination as `POST /destinations` would describe it, with its secrets: what a change is merged into. */
export function describeDestination(
  { filter, template, settings, ...definition }: DestinationDefinition,
  secrets: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return {
    ...definition,
    filter: jsonataOf(filter),
    template: jsonataOf(template),
    settings: { ...settings, ...secrets },
  }
}

/** These are merged key by key; everything else is replaced. `retry` is one of two forms, which do not mix. */
const merged: ReadonlySet<string> = new Set(['settings', 'limits', 'scope'])

/**
 * What a change makes of a description: keys that are not in the change stay, null takes a key away, so that its
 * default holds again.
 */
export function mergePatch(
  present: Readonly<Record<string, unknown>>,
  change: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const entries = Object.entries(change).map(([key, value]): [string, unknown] => {
    const before = present[key]
    return merged.has(key) && isObject(before) && isObject(value)
      ? [key, withoutNulls({ ...before, ...value })]
      : [key, value]
  })
  return withoutNulls({ ...present, ...Object.fromEntries(entries) })
}

function withoutNulls(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null))
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A function of the config file has no text; the API changes no such destination. */
function jsonataOf(code: UserCode | null): string | null {
  return code !== null && 'jsonata' in code ? code.jsonata : null
}
