/** Why a request was not accepted, as it stands in the log and the metrics. */
export type Refusal =
  | 'method_not_allowed'
  | 'unknown_source'
  | 'too_large'
  | 'encoded'
  | 'address_not_allowed'
  | 'secret_missing'
  | 'secret_mismatch'
  | 'secret_expired'
  | 'signature_refused'
  | 'too_slow'
  | 'aborted'
  | 'invalid_payload'
  | 'malformed_http'
  | 'too_much_in_flight'
  | 'store_unavailable'
  | 'stopping'

/** One request to the ingest, as it is counted and logged: never with its payload or its token. */
export type Arrival = {
  /** Null where the path names no source that exists. */
  source: string | null
  address: string
  bytes: number
  /** From the complete head of the request to its answer. */
  ms: number
} & (
  | {
      result: 'accepted' | 'duplicate'
      status: 200
      type: string
      callId: string
      id: string
      collision: boolean
    }
  | {
      result: 'rejected'
      /** Null where the sender had gone before it could be answered. */
      status: number | null
      reason: Refusal
      /** One more word on the reason: field paths, limits. Never values. */
      detail: string | null
    }
)
