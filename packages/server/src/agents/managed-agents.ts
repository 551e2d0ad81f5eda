import { isDeepStrictEqual } from 'node:util'
import {
  agentId as newAgentId,
  agentSource,
  destinationId,
  publishingAgent,
  type AgentDefinition,
  type Store,
  type StoredAgent,
  type StoredDestination,
} from '@hookswitch/core'
import type { z } from 'zod'
import { ApiError } from '../api/errors.ts'
import { invalidRequest } from '../api/invalid-request.ts'
import { destinationProblem, type SharedContext } from '../destinations/check-destinations.ts'
import type { DestinationSecrets } from '../destinations/destination-secrets.ts'
import type { ResolvedDestination } from '../destinations/read-destination.ts'
import { hasHiddenQuery, shownSettings } from '../destinations/shown-settings.ts'
import { SealError, type Sealer } from '../secrets/sealer.ts'
import type { Agent, AgentBook } from './agent-book.ts'
import { apiAgentFields } from './agent-fields.ts'
import { readEndpoint } from './endpoint.ts'
import { newSigningSecret, rotated, validSecrets, versionOf, type SigningVersion } from './signing-keys.ts'

export interface ManagedAgentsOptions {
  store: Pick<
    Store,
    | 'getAgent'
    | 'addAgent'
    | 'changeAgent'
    | 'removeAgent'
    | 'listDestinations'
    | 'addDestination'
    | 'changeDestination'
    | 'removeDestination'
    | 'holdDestination'
  >
  agents: Pick<AgentBook, 'get'>
  sealer: Pick<Sealer, 'seal'>
  secretsOf: DestinationSecrets
  kindContext: SharedContext
  clock: () => number
}

/** What came of a change. */
export interface AgentChange {
  agent: StoredAgent
  /** A `v1` key that was made for it: shown this once. */
  signingSecret: string | null
}

type Fields = z.output<typeof apiAgentFields>
type WebhookFields = NonNullable<Fields['webhook']>

/** Webhooks of agents; each has a row, a line in the metrics, and lanes that are looked for. */
const webhooksMax = 1_000

/** A change is made to what was read; another one in between has it read again. */
const roundsMax = 5

/** Pending deliveries that a removal ends in one transaction. */
const removedAtOnceMax = 1_000

/** What says that a person has switched a webhook off. */
const disabledDetail = 'the webhook of the agent is disabled'

/**
 * Makes, changes and removes agents with their webhooks. An agent and its webhook are two rows; they are written in
 * such an order that what a crash leaves half done is harmless, and is mended when it is asked for again: a webhook
 * without its agent is never sent anything.
 */
export class ManagedAgents {
  readonly #options: ManagedAgentsOptions

  constructor(options: ManagedAgentsOptions) {
    this.#options = options
  }

  /** @throws ApiError */
  async add(given: Record<string, unknown>): Promise<AgentChange> {
    const { store, agents, clock } = this.#options
    const fields = readFields(given)
    const id = fields.id ?? newAgentId(clock())
    if ((await agents.get(id)) !== null) throw idTaken(id)
    const made = fields.webhook === null ? null : await this.#newEndpoint(id, fields.webhook)
    const agent = await store.addAgent({ id, definition: definitionOf(fields) })
    if (agent === null) {
      // Whoever was faster has the id, and a webhook of that name, if there is one, is theirs to make.
      if (made !== null) await store.removeDestination(made.endpoint.id, 'refuse', removedAtOnceMax)
      throw idTaken(id)
    }
    return { agent, signingSecret: made?.signingSecret ?? null }
  }

  /** @throws ApiError */
  async change(id: string, change: Record<string, unknown>): Promise<AgentChange> {
    const { store } = this.#options
    let signingSecret: string | null = null
    for (let round = 0; round < roundsMax; round += 1) {
      const agent = await this.stored(id)
      const endpoint = await this.endpoint(id)
      const present = this.#describe(agent, endpoint, change['webhook'])
      const fields = readFields(merged(present, change), change)
      const webhook = await this.#changeEndpoint(id, endpoint, fields.webhook, change['webhook'])
      if (webhook === 'changed') continue
      // Made in an earlier round, it is not made again, and must be told all the same.
      signingSecret = webhook ?? signingSecret
      const changed = await store.changeAgent(id, agent.version, definitionOf(fields))
      if (changed === 'not_found') throw notFound()
      if (changed !== 'changed') return { agent: changed, signingSecret }
    }
    throw changedByOthers()
  }

  /** @throws ApiError where deliveries wait, and nobody says what becomes of them. */
  async remove(id: string, undelivered: 'skip' | 'dead' | undefined): Promise<void> {
    await this.stored(id)
    const endpoint = await this.endpoint(id)
    if (endpoint !== null) await this.#removeEndpoint(endpoint, undelivered)
    await this.#options.store.removeAgent(id)
  }

  /**
   * Gives the webhook another key to sign with. The one before signs beside it for `overlapMs`.
   *
   * @param given a key of one's own; null makes one.
   * @throws ApiError
   */
  async rotate(
    id: string,
    {
      secret: given,
      version,
      overlapMs,
    }: { secret: string | null; version: SigningVersion | null; overlapMs: number },
  ): Promise<{ signingSecret: string | null; secret: string; previousUntil: string | null }> {
    const { store, sealer, clock } = this.#options
    for (let round = 0; round < roundsMax; round += 1) {
      await this.stored(id)
      const endpoint = await this.endpoint(id)
      if (endpoint === null) throw new ApiError('conflict', 'This agent has no webhook that could be signed')
      const secrets = this.#secretsOf(endpoint, {})
      const now = clock()
      const before = validSecrets(secrets['signingSecrets'], now)
      const [current] = before
      const currentVersion =
        current === undefined ? 'v1' : versionOf(typeof current === 'string' ? current : current.secret)
      const secret = given ?? (await newSigningSecret(version ?? currentVersion)).secret
      const until = overlapMs === 0 || before.length === 0 ? null : now + overlapMs
      const sealedSecrets = sealer.seal(endpoint.id, {
        ...secrets,
        signingSecrets: rotated(before, secret, until, now),
      })
      const { definition } = endpoint
      const changed = await store.changeDestination(endpoint.id, endpoint.version, {
        definition,
        sealedSecrets,
      })
      if (typeof changed === 'string') continue
      return {
        secret,
        signingSecret: given === null && versionOf(secret) === 'v1' ? secret : null,
        previousUntil: until === null ? null : new Date(until).toISOString(),
      }
    }
    throw changedByOthers()
  }

  /** The webhook of an agent, of the API or the config file; null where it has none. */
  async endpoint(id: string): Promise<StoredDestination | null> {
    const name = agentSource(id)
    const destinations = await this.#options.store.listDestinations()
    return destinations.find(({ definition }) => definition.name === name) ?? null
  }

  /** An agent that can be changed. */
  async stored(id: string): Promise<StoredAgent> {
    const agent: Agent | null = await this.#options.agents.get(id)
    if (agent?.origin === 'config') throw inConfig()
    const stored = await this.#options.store.getAgent(id)
    if (stored === null) throw notFound()
    return stored
  }

  async #newEndpoint(
    id: string,
    fields: WebhookFields,
  ): Promise<{ endpoint: StoredDestination; signingSecret: string | null }> {
    const { store, sealer } = this.#options
    const webhooks = (await store.listDestinations()).filter(
      ({ origin, definition }) => origin === 'agent' && publishingAgent(definition.name) !== null,
    )
    if (webhooks.length >= webhooksMax) {
      throw new ApiError('conflict', `A server has at most ${webhooksMax} agents with a webhook; remove one`)
    }
    const made =
      fields.signing === undefined || fields.signing === null ? null : await newSigningSecret(fields.signing)
    const { definition, secrets } = await this.#readEndpoint(id, fields, made === null ? [] : [made.secret])
    const key = destinationId()
    const endpoint = await store.addDestination({
      id: key,
      origin: 'agent',
      definition,
      sealedSecrets: sealer.seal(key, secrets),
    })
    if (endpoint === null) throw changedByOthers()
    if (!fields.enabled) await this.#hold(key)
    return { endpoint, signingSecret: fields.signing === 'v1' ? (made?.secret ?? null) : null }
  }

  /** Returns the `v1` key that was made, null for none, or that another was faster. */
  async #changeEndpoint(
    id: string,
    present: StoredDestination | null,
    fields: WebhookFields | null,
    change: unknown,
  ): Promise<string | null | 'changed'> {
    const { store, sealer, clock } = this.#options
    if (change === undefined) return null
    if (fields === null) {
      if (present !== null) await this.#removeEndpoint(present, undefined)
      return null
    }
    if (present === null) return (await this.#newEndpoint(id, fields)).signingSecret
    const before = this.#secretsOf(present, change)
    const now = clock()
    const keys = validSecrets(before['signingSecrets'], now)
    const [current] = keys
    const currentVersion =
      current === undefined ? null : versionOf(typeof current === 'string' ? current : current.secret)
    const wanted = fields.signing === undefined ? currentVersion : fields.signing
    const made = wanted === null || wanted === currentVersion ? null : await newSigningSecret(wanted)
    const signingSecrets = wanted === null ? [] : made === null ? keys : [made.secret]
    const { definition, secrets } = await this.#readEndpoint(id, fields, signingSecrets)
    const sealedSecrets = isDeepStrictEqual(secrets, before)
      ? present.sealedSecrets
      : sealer.seal(present.id, secrets)
    const changed = await store.changeDestination(present.id, present.version, { definition, sealedSecrets })
    if (typeof changed === 'string') return 'changed'
    const isPaused = changed.flow.hold?.reason === 'paused'
    if (!fields.enabled && !isPaused) await this.#hold(present.id)
    if (fields.enabled && isPaused) await store.holdDestination(present.id, null)
    return wanted === 'v1' ? (made?.secret ?? null) : null
  }

  #hold(id: string): Promise<StoredDestination | null> {
    return this.#options.store.holdDestination(id, { reason: 'paused', until: null, detail: disabledDetail })
  }

  async #removeEndpoint({ id }: StoredDestination, undelivered: 'skip' | 'dead' | undefined): Promise<void> {
    for (;;) {
      const removal = await this.#options.store.removeDestination(
        id,
        undelivered ?? 'refuse',
        removedAtOnceMax,
      )
      if (removal === null || removal.remaining === 0) return
      if (undelivered !== undefined) continue
      throw new ApiError(
        'conflict',
        `${removal.remaining} deliveries wait for the webhook of this agent; remove the agent with undelivered=skip or undelivered=dead to say what becomes of them`,
      )
    }
  }

  async #readEndpoint(
    id: string,
    fields: WebhookFields,
    signingSecrets: readonly unknown[],
  ): Promise<ResolvedDestination> {
    const { url, authKey, authSecret, events, retry, limits } = fields
    const keys = signingSecrets.length === 0 ? {} : { signingSecrets }
    const reading = readEndpoint(id, { url, authKey, authSecret, events, retry, limits, ...keys })
    if (!reading.ok) {
      const issues = reading.issues.map((issue) => ({ ...issue, path: ['webhook', ...issue.path] }))
      throw invalidRequest(issues, { webhook: fields }, 'json')
    }
    if (hasHiddenQuery(reading.endpoint.definition.settings['url'])) {
      throw new ApiError(
        'invalid_request',
        'webhook.url ends with ?…, which stands for a query that is not shown; give the URL whole',
      )
    }
    const problem = await destinationProblem(reading.endpoint, this.#options.kindContext)
    if (problem !== null) throw new ApiError('invalid_request', problem.replace(/^settings\./, 'webhook.'))
    return reading.endpoint
  }

  /** As `POST /agents` would describe it, with its secrets: what a change is merged into. */
  #describe(
    { definition }: StoredAgent,
    endpoint: StoredDestination | null,
    change: unknown,
  ): Record<string, unknown> {
    // What is not changed need not be read, and what is removed not either.
    if (endpoint === null || !isObject(change)) return { ...definition, webhook: null }
    const { events, retry, limits, settings } = endpoint.definition
    const { authSecret } = this.#secretsOf(endpoint, change)
    const { url, authKey } = settings
    const enabled = endpoint.flow.hold?.reason !== 'paused'
    return { ...definition, webhook: { url, authKey, authSecret, events, retry, limits, enabled } }
  }

  #secretsOf(endpoint: StoredDestination, change: unknown): Record<string, unknown> {
    try {
      return this.#options.secretsOf(endpoint)
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      if (isObject(change) && secretFields.every((field) => field in change)) return {}
      throw new ApiError(
        'conflict',
        `The webhook of this agent cannot be changed: ${error.message} (${secretFields.map((field) => `webhook.${field}`).join(', ')}; null is none)`,
      )
    }
  }
}

/** All secrets of a webhook: where they cannot be read, a change that gives all of them loses none unseen. */
const secretFields = ['authSecret', 'signing'] as const

function readFields(given: Record<string, unknown>, shown: Record<string, unknown> = given): Fields {
  const parsed = apiAgentFields.safeParse(given, { reportInput: true })
  if (!parsed.success) throw invalidRequest(parsed.error.issues, shown, 'json')
  return parsed.data
}

function definitionOf({ name, project, outcomeSchema }: Fields): AgentDefinition {
  return { name, project, outcomeSchema }
}

/** The webhook and its limits are merged key by key, everything else is replaced; null takes a value away. */
function merged(present: Record<string, unknown>, change: Record<string, unknown>): Record<string, unknown> {
  const { webhook, ...others } = change
  const whole = { ...present, ...others }
  if (!isObject(webhook)) return webhook === undefined ? whole : { ...whole, webhook }
  const before = isObject(present['webhook']) ? present['webhook'] : {}
  const { limits } = webhook
  const url = webhook['url'] === shownSettings(before)['url'] ? before['url'] : webhook['url']
  const after = {
    ...before,
    ...webhook,
    ...('url' in webhook ? { url } : {}),
    ...(isObject(limits) && isObject(before['limits']) ? { limits: { ...before['limits'], ...limits } } : {}),
  }
  return { ...whole, webhook: withoutNulls(after) }
}

/** Null brings back a default; of `signing` and of the limits it is a value. */
function withoutNulls(webhook: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(webhook).filter(
      ([key, value]) => (value !== null && value !== undefined) || key === 'signing',
    ),
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function notFound(): ApiError {
  return new ApiError('not_found', 'No agent has this id')
}

function idTaken(id: string): ApiError {
  return new ApiError('conflict', `Another agent has the id ${id}`)
}

function inConfig(): ApiError {
  return new ApiError('conflict', 'This agent is set in the config file; change it there')
}

function changedByOthers(): ApiError {
  return new ApiError('conflict', 'Others keep changing this agent; try again')
}
