/** What a person sets about a destination; JSON, without its secrets. `POST /destinations` and the config give it. */
export interface DestinationDefinition {
  /** 1 to 64 of `a-z 0-9 _ -`, unique. */
  name: string
  kind: string
  /** Normalised event types; null takes all. */
  events: string[] | null
  scope: DestinationScope
  /** Null takes every event. */
  filter: UserCode | null
  /** Null: what the kind sends by itself. */
  template: UserCode | null
  lane: LaneRule
  /** What becomes of the lane when a delivery is dead. */
  onExhausted: 'continue' | 'park'
  retry: RetryPolicy
  limits: DestinationLimits
  /** The kind's own settings without secrets. */
  settings: Record<string, unknown>
}

/** Which events it is about at all: null is no bound. Both must hold. */
export interface DestinationScope {
  sources: string[] | null
  agents: string[] | null
}

/** JSONata as text; `function` stands for one of the config file, which only the work thread can call. */
export type UserCode = { jsonata: string } | { function: true }

/**
 * Which deliveries of a destination go one after the other: those of a call (`call`), all (`destination`), none at
 * all (`none`), or those with the same value at a path of `{ event, call }`, such as `call.userNumber`.
 */
export type LaneRule = 'call' | 'destination' | 'none' | { path: string }

export type RetryPolicy = { preset: RetryPreset } | { delaysSeconds: number[] }
export type RetryPreset = 'none' | 'quick' | 'guide' | 'standard'

export interface DestinationLimits {
  /** Sends under way at once, over all nodes. */
  concurrency: number
  /** Sends begun per second, over all nodes; null is no bound. */
  perSecond: number | null
  /**
   * Hours of failure, without one success between, after which it is held (`failing`); null or absent is never.
   * Absent in what was stored before there was such a thing.
   */
  failingHours?: number | null
}

/** Why a destination is sent nothing. */
export type HoldReason =
  /** A person said so. */
  | 'paused'
  /** Too many failures in a row; tried again by itself. */
  | 'breaker'
  /** It answered 429 or 503 with Retry-After. */
  | 'retry_after'
  /** It answered 410. */
  | 'gone'
  /** It answered 401 or 403. */
  | 'auth'
  /** It has failed for longer than is bearable. */
  | 'failing'
  /** It is not in the config file any more. */
  | 'removed'

export interface Hold {
  reason: HoldReason
  since: number
  /** Unix milliseconds at which it ends by itself; null where a person must end it. */
  until: number | null
  /** One sentence for people, without secrets. */
  detail: string | null
}

/**
 * What changes with every send and holds across nodes. One JSON text in the destination's row, read and written
 * under the row's lock.
 */
export interface DestinationFlow {
  hold: Hold | null
  /** Failures since the last success, over all lanes; one delivery that fails again and again counts once. */
  failures: number
  /** The delivery that failed last. */
  failedDelivery: number | null
  /** How often in a row the breaker has opened. */
  breakerOpenings: number
  /** After a hold it is sent to one by one, then by twos and so on; null when the whole concurrency is allowed. */
  rampConcurrency: number | null
  /** The theoretical arrival time of the rate limit, Unix milliseconds: the next send may not begin before it. */
  rateAt: number
  /** Whose turn it is where first attempts and retries wait for one place; see `lanesToTake`. */
  retryTurn: boolean
  /** Since when nothing has succeeded; null after a success. Absent in what was stored before there was such a thing. */
  failingSince?: number | null
  /** Different deliveries that have not succeeded since then; absent likewise. */
  failingDeliveries?: number
  lastSuccessAt: number | null
  lastFailureAt: number | null
}

/**
 * Where it is set: the config file, the API, or `agent`: it is the webhook of an agent or of calls, and is set there.
 */
export type DestinationOrigin = 'config' | 'api' | 'agent'

/** A destination's row. */
export interface StoredDestination {
  /** A small number that other rows carry. */
  key: number
  /** `dst_…` */
  id: string
  origin: DestinationOrigin
  /** Counts the changes of its definition. */
  version: number
  definition: DestinationDefinition
  /** The kind's secret settings, encrypted; null where it has none or they stand in the config. */
  sealedSecrets: string | null
  flow: DestinationFlow
  /** Unix milliseconds. */
  createdAt: number
  updatedAt: number
}

/** How a destination was from a place of the log on. Kept for good, so that every routing can be explained. */
export interface DestinationVersion {
  key: number
  id: string
  version: number
  /** The first `seq` that was routed by it. */
  fromSeq: number
  at: number
  /** Also from its removal on: the last one. */
  name: string
  /** Null from its removal on. */
  definition: DestinationDefinition | null
}

/** What is left of a destination for good. */
export interface DestinationName {
  key: number
  id: string
  /** The one that it had last. */
  name: string
}
