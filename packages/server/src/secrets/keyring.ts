import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { StoreError, type SecretOrigin, type Store, type StoredSecret } from '@hookswitch/core'
import { secretCandidates } from '@hookswitch/events'
import type { ResolvedSource } from '../config/resolve-config.ts'
import type { Logger } from '../observe/log.ts'
import type { GivenSecret } from './given-secrets.ts'

export interface KeyringOptions {
  store: Pick<Store, 'listSecrets' | 'addSecret' | 'expireSecret' | 'removeSecret' | 'touchSecrets'>
  sources: ReadonlyMap<string, Pick<ResolvedSource, 'auth'>>
  given: readonly GivenSecret[]
  /** Unix milliseconds. */
  clock: () => number
  log: Pick<Logger, 'info' | 'warn'>
  /** How soon a secret that another node added counts here. Default 2 s. */
  refreshMs?: number
  /** How often last uses are written. Default 5 s. */
  flushMs?: number
}

export type SecretCheck =
  /** `secretId` is null where the source asks for no secret. */
  { ok: true; secretId: string | null } | { ok: false; reason: 'missing' | 'mismatch' | 'expired' }

export type SecretAddition =
  | { ok: true; added: StoredSecret }
  | { ok: false; reason: 'known'; origin: SecretOrigin; id: string }
  | { ok: false; reason: 'too_many' }

export type SecretRemoval = 'removed' | 'not_found' | Exclude<SecretOrigin, 'api'>

interface Entry {
  /** The hash as 64 hexadecimal digits in ASCII. */
  digest: Buffer
  secret: StoredSecret
}

const refreshMsDefault = 2_000
const flushMsDefault = 5_000

/** Each request is compared with every secret of its source, so that their number has a limit. */
export const secretsOfSourceMax = 50

/** How long a secret that has ended stays listed, and a sender that still shows it is told apart from a stranger. */
const endedKeptMs = 30 * 24 * 60 * 60 * 1000

/**
 * The secrets that are valid: those of the environment, the config and the data folder, and those that were added over
 * the API, which lie in the store and may come from another node. Only their SHA-256 is held. While the store fails,
 * those that were known last count.
 */
export class Keyring {
  readonly #options: KeyringOptions
  /** As the store remembers them; they are valid whatever it says. */
  #given: StoredSecret[] = []
  readonly #uses = new Map<string, number>()
  #entries = new Map<string, Entry[]>()
  #timers: NodeJS.Timeout[] = []
  #refreshing: Promise<void> = Promise.resolve()

  constructor(options: KeyringOptions) {
    this.#options = options
  }

  /** Makes the given secrets known to the store, where their age and last use are kept, and begins to look after all. */
  async start(): Promise<void> {
    const { store, clock, refreshMs = refreshMsDefault, flushMs = flushMsDefault } = this.#options
    for (const { source, secret, origin } of this.#options.given) {
      const hashed = hashOf(secret)
      if (this.#given.some((other) => other.source === source && other.hash === hashed)) continue
      const known = await store.addSecret(newSecret(source, hashed, origin, null, clock(), null))
      this.#given.push({ ...known, origin, expiresAt: null })
    }
    await this.refresh()
    this.#every(refreshMs, () => this.refresh())
    this.#every(flushMs, () => this.flush())
  }

  /** Writes the last uses; never rejects. */
  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    await this.#refreshing.catch(() => undefined)
    await this.flush().catch((error: unknown) => this.#warn(error))
  }

  /**
   * Whether the header shows a secret of the source. Every form that the header may mean is compared with every secret,
   * and none ends the search, so that the time it takes tells nothing.
   */
  check(source: string, authorization: string | undefined, nowMs: number): SecretCheck {
    if (this.#options.sources.get(source)?.auth === 'none') return { ok: true, secretId: null }
    const entries = this.#entries.get(source) ?? []
    const candidates = secretCandidates(authorization)
    if (candidates.length === 0) return { ok: false, reason: 'missing' }
    let valid: StoredSecret | null = null
    let ended = false
    for (const candidate of candidates) {
      // As text, and into one buffer that is used again: a new buffer for each digest takes four times as long.
      shownDigest.write(hashOf(candidate), 'latin1')
      for (const entry of entries) {
        if (!timingSafeEqual(shownDigest, entry.digest)) continue
        if (hasEnded(entry.secret, nowMs)) ended = true
        else valid = entry.secret
      }
    }
    if (valid === null) return { ok: false, reason: ended ? 'expired' : 'mismatch' }
    this.#uses.set(valid.id, nowMs)
    return { ok: true, secretId: valid.id }
  }

  /** The secrets of a source, oldest first, those that have ended among them. */
  list(source: string): StoredSecret[] {
    return (this.#entries.get(source) ?? []).map(({ secret }) => {
      const usedAt = Math.max(this.#uses.get(secret.id) ?? 0, secret.lastUsedAt ?? 0)
      return { ...secret, lastUsedAt: usedAt === 0 ? null : usedAt }
    })
  }

  /** Adds a secret that is valid at once here, and on other nodes after their next refresh. */
  async add(
    source: string,
    secret: string,
    label: string | null,
    expiresAt: number | null,
  ): Promise<SecretAddition> {
    const { store, clock, log } = this.#options
    await this.refresh()
    const now = clock()
    for (const { id, origin, expiresAt: end } of this.list(source)) {
      if (origin === 'api' && end !== null && end < now - endedKeptMs) await store.removeSecret(source, id)
    }
    const digest = hashOf(secret)
    const known = this.list(source)
    if (known.length >= secretsOfSourceMax) return { ok: false, reason: 'too_many' }
    const same = known.find((other) => other.hash === digest)
    if (same !== undefined) return { ok: false, reason: 'known', origin: same.origin, id: same.id }
    const wanted = newSecret(source, digest, 'api', label, now, expiresAt)
    let added = await store.addSecret(wanted)
    if (added.origin !== 'api') {
      // It once stood in the environment or the config and does so no more: what was kept of it gives way.
      await store.removeSecret(source, added.id)
      added = await store.addSecret(wanted)
    }
    await this.refresh()
    log.info({ source, secretId: added.id }, 'secret added')
    return { ok: true, added }
  }

  /** Ends every secret that was added over the API but `keepId` at `endsAt`, unless it ends before. */
  async endOthers(source: string, keepId: string, endsAt: number): Promise<StoredSecret[]> {
    const { store, log } = this.#options
    const others = this.list(source).filter(
      ({ id, origin, expiresAt }) =>
        origin === 'api' && id !== keepId && (expiresAt === null || expiresAt > endsAt),
    )
    for (const { id } of others) {
      await store.expireSecret(source, id, endsAt)
      log.info({ source, secretId: id, endsAt: new Date(endsAt).toISOString() }, 'secret ends')
    }
    await this.refresh()
    return others.map((secret) => ({ ...secret, expiresAt: endsAt }))
  }

  /** Removes a secret that was added over the API; one that was given elsewhere answers where. */
  async remove(source: string, id: string): Promise<SecretRemoval> {
    await this.refresh()
    const found = this.list(source).find((secret) => secret.id === id)
    if (found === undefined) return 'not_found'
    if (found.origin !== 'api') return found.origin
    const removed = await this.#options.store.removeSecret(source, id)
    await this.refresh()
    this.#options.log.info({ source, secretId: id }, 'secret removed')
    return removed ? 'removed' : 'not_found'
  }

  /** Reads the store anew; one after the other, so that an older answer never replaces a newer one. */
  refresh(): Promise<void> {
    const next = this.#refreshing.catch(() => undefined).then(() => this.#read())
    this.#refreshing = next
    return next
  }

  /** Writes the last uses since the last time. */
  async flush(): Promise<void> {
    const uses = [...this.#uses].map(([id, lastUsedAt]) => ({ id, lastUsedAt }))
    if (uses.length === 0) return
    await this.#options.store.touchSecrets(uses)
    for (const { id, lastUsedAt } of uses) {
      if (this.#uses.get(id) === lastUsedAt) this.#uses.delete(id)
    }
  }

  async #read(): Promise<void> {
    const stored = await this.#options.store.listSecrets()
    const secrets = this.#given.map((given) => {
      const lastUsedAt = stored.find(({ id }) => id === given.id)?.lastUsedAt ?? given.lastUsedAt
      return { ...given, lastUsedAt }
    })
    const givenIds = new Set(secrets.map(({ id }) => id))
    // What environment, config or file once said and say no more is not valid, although the store still remembers it.
    secrets.push(...stored.filter(({ id, origin }) => origin === 'api' && !givenIds.has(id)))
    secrets.sort((one, other) => one.createdAt - other.createdAt)
    const entries = new Map<string, Entry[]>()
    for (const secret of secrets) {
      const entry = { digest: Buffer.from(secret.hash, 'latin1'), secret }
      const ofSource = entries.get(secret.source)
      if (ofSource === undefined) entries.set(secret.source, [entry])
      else ofSource.push(entry)
    }
    this.#entries = entries
  }

  /** An outage is said once, and so is its end; until then the secrets that were known last count. */
  #every(ms: number, run: () => Promise<void>): void {
    let running = false
    let failing = false
    const turn = async (): Promise<void> => {
      try {
        await run()
        if (failing) this.#options.log.info('the store has the secrets again')
        failing = false
      } catch (error) {
        if (!failing) this.#warn(error)
        failing = true
      }
      running = false
    }
    const timer = setInterval(() => {
      if (running) return
      running = true
      void turn()
    }, ms)
    this.#timers.push(timer.unref())
  }

  #warn(error: unknown): void {
    const code = error instanceof StoreError ? error.code : 'internal'
    this.#options.log.warn({ code }, 'the store fails; the secrets that were known last count')
  }
}

const shownDigest = Buffer.alloc(64)

function hasEnded({ expiresAt }: StoredSecret, nowMs: number): boolean {
  return expiresAt !== null && expiresAt <= nowMs
}

function hashOf(secret: string): string {
  return hash('sha256', secret, 'hex')
}

function newSecret(
  source: string,
  hashed: string,
  origin: SecretOrigin,
  label: string | null,
  createdAt: number,
  expiresAt: number | null,
): StoredSecret {
  const id = `sec_${randomBytes(9).toString('base64url')}`
  return { id, source, hash: hashed, origin, label, createdAt, expiresAt, lastUsedAt: null }
}
