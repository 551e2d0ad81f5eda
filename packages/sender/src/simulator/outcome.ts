import type { Chance } from './chance.ts'
import type { CallFault } from './faults.ts'

export interface WrittenOutcome {
  /** What the agent found out, over which the params do not go. */
  collected: Record<string, unknown>
  /** Whether the outcome as a whole is sent as JSON in a string. */
  asText: boolean
}

/** The outcome as a language model may write it: fields left empty, left out, or as JSON in a string. */
export function writeOutcome(
  chance: Chance,
  collected: Record<string, unknown>,
  faults: ReadonlySet<CallFault>,
): WrittenOutcome {
  let fields = Object.entries(collected)
  if (faults.has('absent-fields')) fields = someOf(chance, fields).left
  if (faults.has('null-fields')) {
    const { taken } = someOf(chance, fields)
    fields = fields.map(([name, value]) => [name, taken.has(name) ? null : value])
  }
  const isJson = faults.has('json-string-outcome')
  const isNested = (value: unknown): boolean => typeof value === 'object' && value !== null
  const asText = isJson && (!fields.some(([, value]) => isNested(value)) || chance.happens(0.5))
  if (isJson && !asText) {
    fields = fields.map(([name, value]) => [name, isNested(value) ? JSON.stringify(value) : value])
  }
  return { collected: Object.fromEntries(fields), asText }
}

/** About half of them, at least one. */
function someOf(
  chance: Chance,
  fields: [string, unknown][],
): { taken: Set<string>; left: [string, unknown][] } {
  const sure = chance.between(0, fields.length - 1)
  const taken = new Set(
    fields.filter((_, index) => index === sure || chance.happens(0.5)).map(([name]) => name),
  )
  return { taken, left: fields.filter(([name]) => !taken.has(name)) }
}
