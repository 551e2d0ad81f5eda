import type { CallRecord } from '@hookswitch/events'
import type { ShownEvent } from './kind.ts'

/** What a filter, a template and a handler see: `event` and `call` as the API shows them at that time. */
export interface DeliveryContext<Outcome = Record<string, unknown>> {
  event: ShownEvent
  call: CallRecord
  /** The plain values of the call's outcome; a field that did not come has no key, one the caller left open is null. */
  outcome: Outcome
}

/** What every kind of destination is configured with. */
export interface DestinationOptions<Settings, Content = unknown> {
  /** 1 to 64 of `a-z 0-9 _ -`, beginning with a letter or digit; unique. A new name is a new destination. */
  name: string
  /** Event types that it takes; absent means all. */
  events?: readonly string[]
  /** Sources and agents that it takes; absent means all. */
  scope?: { sources?: readonly string[]; agents?: readonly string[] }
  /** True lets the event through. A function, or JSONata as text. Runs at each attempt. */
  filter?: string | ((context: DeliveryContext) => unknown)
  /** What is sent. A function, or JSONata as text. Runs at each attempt. */
  template?: string | ((context: DeliveryContext) => Content | Promise<Content>)
  /**
   * What is delivered one after the other: the events of a call (`call`, the default), everything (`destination`),
   * nothing (`none`), or what has the same value at a path such as `call.userNumber`.
   */
  lane?: 'call' | 'destination' | 'none' | { path: string }
  /** When a delivery is given up: go on with the next of its lane (default), or park the lane. */
  onExhausted?: 'continue' | 'park'
  /** A preset (`standard` by default) or the seconds to wait before each further attempt. */
  retry?: { preset: 'none' | 'quick' | 'guide' | 'standard' } | { delaysSeconds: readonly number[] }
  limits?: {
    /** Sends at once, over all nodes; 10 by default. */
    concurrency?: number
    /** Sends begun per second, over all nodes; null (the default) is no bound. */
    perSecond?: number | null
    /** Hours of failure, without one success between, after which it is held; null (the default) is never. */
    failingHours?: number | null
  }
  settings: Settings
}

/** A destination of the config file, as the functions named after the kinds make it. */
export interface DestinationConfig extends DestinationOptions<unknown> {
  kind: string
  /** Of a `handler`. */
  run?: (...args: never[]) => unknown
}
