/** What can go wrong with a single event, on its way. */
export const eventFaults = [
  'duplicate',
  'concurrent-duplicate',
  'reorder',
  'drop',
  'delay',
  'wrong-token',
  'slow-body',
] as const

/** What can be odd about a whole call. */
export const callFaults = [
  'late-recording',
  'empty-transcript',
  'huge-transcript',
  'json-string-outcome',
  'null-fields',
  'absent-fields',
  'second-dialect',
] as const

export const faultNames = [...eventFaults, ...callFaults] as const

export type EventFault = (typeof eventFaults)[number]
export type CallFault = (typeof callFaults)[number]
export type FaultName = EventFault | CallFault

/** How probable each fault is, from 0 to 1: for each event, or for each call. */
export type Faults = Readonly<Record<FaultName, number>>

const none = Object.fromEntries(faultNames.map((name) => [name, 0])) as Faults

export const faultPresets = {
  none,
  /** What a platform does on a bad day: nothing is lost. */
  some: {
    ...none,
    duplicate: 0.02,
    'concurrent-duplicate': 0.01,
    reorder: 0.02,
    delay: 0.02,
    'late-recording': 0.1,
    'empty-transcript': 0.05,
    'json-string-outcome': 0.1,
    'null-fields': 0.1,
  },
  /** All of them, so often that a few hundred events meet each. */
  all: {
    duplicate: 0.05,
    'concurrent-duplicate': 0.05,
    reorder: 0.05,
    drop: 0.02,
    delay: 0.02,
    'wrong-token': 0.02,
    'slow-body': 0.01,
    'late-recording': 0.2,
    'empty-transcript': 0.1,
    // Each is as much work as thousands of others.
    'huge-transcript': 0.02,
    'json-string-outcome': 0.2,
    'null-fields': 0.2,
    'absent-fields': 0.2,
    'second-dialect': 0.1,
  },
} as const satisfies Record<string, Faults>

/**
 * Reads `some,drop=0.1`: presets and single faults from left to right, each over what stands before it.
 *
 * @throws RangeError that names what is not understood.
 */
export function readFaults(text: string): Faults {
  let faults: Faults = none
  for (const part of text.split(',').map((piece) => piece.trim())) {
    if (isPreset(part)) {
      faults = { ...faults, ...faultPresets[part] }
      continue
    }
    const [name = '', probability] = part.split('=')
    if (!isFault(name)) {
      throw new RangeError(
        `"${name}" is no fault, expected ${Object.keys(faultPresets).join(', ')}, or some of ${faultNames.join(', ')}`,
      )
    }
    const value =
      probability !== undefined && /^(?:0|1|0?\.\d{1,9}|1\.0+)$/.test(probability) ? Number(probability) : NaN
    if (Number.isNaN(value)) {
      throw new RangeError(`"${part}" has no probability from 0 to 1, expected ${name}=0.1`)
    }
    faults = { ...faults, [name]: value }
  }
  return faults
}

const isPreset = (name: string): name is keyof typeof faultPresets => Object.hasOwn(faultPresets, name)
const isFault = (name: string): name is FaultName => (faultNames as readonly string[]).includes(name)
