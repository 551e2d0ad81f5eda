/** Every way in which a store fails, with what it means for whoever asked. */
export const storeErrors = {
  unavailable: 'The store cannot be reached',
  full: 'The store is full',
  disk_low: 'Too little free disk is left for new events',
  io: 'The store could not be read or written',
  locked: 'Another process uses this data folder',
  schema_newer: 'The store was written by a newer version of Hookswitch',
  closed: 'The store is closed',
} as const

export type StoreErrorCode = keyof typeof storeErrors

/**
 * A store that cannot serve. `outcome` says what became of a write: `none` when it certainly did not happen,
 * `unknown` when it may have (the connection broke while the commit was under way).
 */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  readonly detail: string | null
  readonly outcome: 'none' | 'unknown'

  constructor(
    code: StoreErrorCode,
    detail: string | null = null,
    options: { cause?: unknown; outcome?: 'none' | 'unknown' } = {},
  ) {
    super(detail === null ? `${storeErrors[code]}.` : `${storeErrors[code]}: ${detail}`, {
      cause: options.cause,
    })
    this.code = code
    this.detail = detail
    this.outcome = options.outcome ?? 'none'
  }
}
