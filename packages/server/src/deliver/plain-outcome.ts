import type { CallRecord } from '@hookswitch/events'

/** The values of an outcome by field: null where the caller said nothing, no key where the field did not come. */
export function plainOutcome({ outcome }: Pick<CallRecord, 'outcome'>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(outcome)
      .filter(([, field]) => field.state !== 'absent')
      .map(([name, { value }]) => [name, value]),
  )
}
