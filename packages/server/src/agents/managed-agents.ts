import { setTimeout } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import {
  agentId as newAgentId,
  agentSource,
  destinationId,
  publishingAgent,
  type Store,
  type StoredAgent,
  type StoredDestination,
} from '@hookswitch/core'
import { ApiError } from '../api/errors.ts'
import { isObject } from '../config/object-schema.ts'
import type { SharedContext } from '../destinations/check-destinations.ts'
import type { DestinationSecrets } from '../destinations/destination-secrets.ts'
import type { ResolvedDestination } from '../destinations/read-destination.ts'
import { SealError, type Sealer } from '../secrets/sealer.ts'
import type { AgentBook } from './agent-book.ts'
import {
  agentDefinition,
  describeAgent,
  isEnabled,
  mergeAgentChange,
  readAgentFields,
  type WebhookFields,
} from './agent-change.ts'
import { givenEndpoint } from './given-endpoint.ts'
import {
  currentVersion,
  newSigningSecret,
  rotated,
  validSecrets,
  versionOf,
  type SigningVersion,
} from './signing-keys.ts'

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
    | 'logBounds'
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

/** What a change comes to at the webhook. */
type WebhookPlan =
  | { act: 'none' | 'remove' }
  | {
      act: 'write'
      webhook: ResolvedDestination
      /** Null where it stays as it is switched. */
      enabled: boolean | null
      signingSecret: string | null
      /** What is stored says the same. */
      isSame: boolean
    }

/** Webhooks of agents; each has a row, a line in the metrics, and lanes that are looked for. */
const webhooksMax = 1_000

/** A change is made to what was read; another one in between has it read again. */
const roundsMax = 20

/** What was published is routed within a second, normally; who removes a webhook waits for that. */
const routedMsMax = 5_000
const routedPollMs = 20

/** Pending deliveries that a removal ends in one transaction. */
const removedAtOnceMax = 1_000

/** A webhook that is older and has no agent is what a crash has left: no request takes so long. */
const halfMadeMs = 60_000

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
    const fields = readAgentFields(given)
    const id = fields.id ?? newAgentId(clock())
    if ((await agents.get(id)) !== null) throw idTaken(id)
    const left = await this.#ownEndpoint(id)
    if (left !== null) {
      if (clock() - left.createdAt <= halfMadeMs) {
        throw new ApiError(
          'conflict',
          `An agent with the id ${id} is being made at this moment; try again in a minute`,
        )
      }
      await this.#removeEndpoint(left, 'skip')
    }
    const plan = await this.#plan(id, null, fields.webhook, given['webhook'])
    const made = await this.#apply(null, plan)
    if (made === 'changed') throw changedByOthers()
    const agent = await store.addAgent({ id, definition: agentDefinition(fields) })
    if (agent === null) {
      // Whoever was faster has the id, and made the agent without a webhook.
      if (made !== null) await this.#removeEndpoint(made, 'skip')
      throw idTaken(id)
    }
    return { agent, signingSecret: plan.act === 'write' ? plan.signingSecret : null }
  }

  /**
   * The agent's row goes first, since its version tells changes apart; a removal goes before it, since it may be
   * refused.
   *
   * @param undelivered what becomes of what waits, where the change removes the webhook.
   * @param check throws where the agent is not any more as whoever asks has read it.
   * @throws ApiError
   */
  async change(
    id: string,
    change: Record<string, unknown>,
    undelivered: 'skip' | 'dead' | undefined,
    check: (present: StoredAgent, endpoint: StoredDestination | null) => void,
  ): Promise<AgentChange> {
    let changed: StoredAgent | null = null
    for (let round = 0; round < roundsMax; round += 1) {
      const present: StoredAgent = changed ?? (await this.stored(id))
      const endpoint = await this.#ownEndpoint(id)
      if (changed === null) check(present, endpoint)
      const isAbout = isObject(change['webhook'])
      const secrets = endpoint === null || !isAbout ? {} : this.#secretsBefore(id, endpoint, change)
      const merged = mergeAgentChange(describeAgent(present, endpoint, secrets ?? {}), change)
      const fields = readAgentFields(merged, change)
      const plan = await this.#plan(id, endpoint, fields.webhook, change['webhook'], secrets)
      if (plan.act === 'remove' && endpoint !== null) await this.#removeEndpoint(endpoint, undelivered)
      if (changed === null) {
        const written = await this.#write(present, agentDefinition(fields), changesWebhook(plan, endpoint))
        if (written === 'changed') continue
        changed = written
      }
      const applied = await this.#apply(endpoint, plan)
      if (applied === 'changed') continue
      return { agent: changed, signingSecret: plan.act === 'write' ? plan.signingSecret : null }
    }
    throw changedByOthers()
  }

  /** @throws ApiError where deliveries wait, and nobody says what becomes of them. */
  async remove(id: string, undelivered: 'skip' | 'dead' | undefined): Promise<void> {
    await this.stored(id)
    const endpoint = await this.#ownEndpoint(id)
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
      const agent = await this.stored(id)
      const endpoint = await this.#ownEndpoint(id)
      if (endpoint === null) throw new ApiError('conflict', 'This agent has no webhook that could be signed')
      const secrets = this.#secretsBefore(id, endpoint, {}) ?? {}
      const now = clock()
      const before = validSecrets(secrets['signingSecrets'], now)
      const secret = given ?? (await newSigningSecret(version ?? currentVersion(before) ?? 'v1')).secret
      const until = overlapMs === 0 ? null : now + overlapMs
      const signingSecrets = rotated(before, secret, until, now)
      if ((await this.#write(agent, agent.definition, true)) === 'changed') continue
      const changed = await store.changeDestination(endpoint.id, endpoint.version, {
        definition: endpoint.definition,
        sealedSecrets: sealer.seal(endpoint.id, { ...secrets, signingSecrets }),
      })
      if (typeof changed === 'string') continue
      return {
        secret,
        signingSecret: given === null && versionOf(secret) === 'v1' ? secret : null,
        previousUntil: until === null || signingSecrets.length === 1 ? null : new Date(until).toISOString(),
      }
    }
    throw changedByOthers()
  }

  /** The webhook of an agent, of the API or the config file; null where it has none. */
  async endpoint(id: string): Promise<StoredDestination | null> {
    const [endpoint] = await this.#options.store.listDestinations({ name: agentSource(id) })
    return endpoint ?? null
  }

  /** One that can be changed here. */
  async #ownEndpoint(id: string): Promise<StoredDestination | null> {
    const endpoint = await this.endpoint(id)
    if (endpoint?.origin !== 'config') return endpoint
    throw new ApiError(
      'conflict',
      `The webhook that the config file had for this agent is still there; remove it with DELETE /destinations/${encodeURIComponent(agentSource(id))}`,
    )
  }

  /** An agent that can be changed. */
  async stored(id: string): Promise<StoredAgent> {
    const agent = await this.#options.agents.get(id)
    if (agent?.origin === 'config') throw inConfig()
    const stored = await this.#options.store.getAgent(id)
    if (stored === null) throw notFound()
    return stored
  }

  /**
   * @param given what is said of the webhook; undefined leaves it alone.
   * @param before its secrets; null where they cannot be read.
   */
  async #plan(
    id: string,
    present: StoredDestination | null,
    fields: WebhookFields | null,
    given: unknown,
    before: Readonly<Record<string, unknown>> | null = {},
  ): Promise<WebhookPlan> {
    if (given === undefined || (fields === null && present === null)) return { act: 'none' }
    if (fields === null) return { act: 'remove' }
    if (present === null) await this.#requireRoom()
    const { signing, url, authKey, authSecret, events, retry, limits } = fields
    const keys = before?.['signingSecrets']
    const current = currentVersion(validSecrets(keys, this.#options.clock()))
    const wanted = signing === undefined ? current : signing
    const made = wanted === null || wanted === current ? null : await newSigningSecret(wanted)
    const signingSecrets = wanted === null ? undefined : made === null ? keys : [made.secret]
    const webhook = await givenEndpoint(
      id,
      {
        url,
        authKey,
        authSecret,
        events,
        retry,
        limits,
        ...(signingSecrets === undefined ? {} : { signingSecrets }),
      },
      this.#options.kindContext,
    )
    return {
      act: 'write',
      webhook,
      enabled: isObject(given) && 'enabled' in given ? fields.enabled : null,
      signingSecret: wanted === 'v1' ? (made?.secret ?? null) : null,
      isSame:
        isDeepStrictEqual(webhook.secrets, before) &&
        isDeepStrictEqual(webhook.definition, present?.definition),
    }
  }

  /** The webhook after it; null where there is none. */
  async #apply(
    present: StoredDestination | null,
    plan: WebhookPlan,
  ): Promise<StoredDestination | null | 'changed'> {
    const { store, sealer } = this.#options
    if (plan.act !== 'write') return null
    const { webhook, enabled, isSame } = plan
    const { definition, secrets } = webhook
    let written: StoredDestination | null | string
    if (present === null) {
      const key = destinationId()
      const sealedSecrets = sealer.seal(key, secrets)
      written = await store.addDestination({ id: key, origin: 'agent', definition, sealedSecrets })
    } else {
      // Sealed anew only where they are others: the same secrets would be another text.
      const sealedSecrets = isSame ? present.sealedSecrets : sealer.seal(present.id, secrets)
      written = await store.changeDestination(present.id, present.version, { definition, sealedSecrets })
    }
    if (written === null || typeof written === 'string') return 'changed'
    if (enabled === null || enabled === isEnabled(written)) return written
    const hold = enabled ? null : ({ reason: 'paused', until: null, detail: disabledDetail } as const)
    return (await store.holdDestination(written.id, hold)) ?? 'changed'
  }

  /** Changes the row of the agent, so that its version counts what is done at the webhook as well. */
  async #write(
    { id, version, definition: before }: StoredAgent,
    definition: StoredAgent['definition'],
    changesEndpoint: boolean,
  ): Promise<StoredAgent | 'changed'> {
    const webhookChanges = (before.webhookChanges ?? 0) + (changesEndpoint ? 1 : 0)
    const counted = webhookChanges === 0 ? definition : { ...definition, webhookChanges }
    const written = await this.#options.store.changeAgent(id, version, counted)
    if (written === 'not_found') throw notFound()
    return written
  }

  async #requireRoom(): Promise<void> {
    const webhooks = (await this.#options.store.listDestinations()).filter(
      ({ origin, definition }) => origin === 'agent' && publishingAgent(definition.name) !== null,
    )
    if (webhooks.length < webhooksMax) return
    throw new ApiError('conflict', `A server has at most ${webhooksMax} agents with a webhook; remove one`)
  }

  async #removeEndpoint({ id }: StoredDestination, undelivered: 'skip' | 'dead' | undefined): Promise<void> {
    await this.#untilRouted()
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
        `${removal.remaining} deliveries wait for the webhook of this agent; say with undelivered=skip or undelivered=dead what becomes of them`,
      )
    }
  }

  /** What was published before now has its deliveries, so that whether some wait can be told. */
  async #untilRouted(): Promise<void> {
    const { store } = this.#options
    const { newestSeq } = await store.logBounds()
    for (let waitedMs = 0; (await store.logBounds()).foldedSeq < newestSeq; waitedMs += routedPollMs) {
      if (waitedMs >= routedMsMax) {
        throw new ApiError('unavailable', 'Events that were published are still to be routed; try again')
      }
      await setTimeout(routedPollMs)
    }
  }

  /** Null where they cannot be read, and the change names all of them: otherwise one would be lost unseen. */
  #secretsBefore(
    id: string,
    endpoint: StoredDestination,
    { webhook }: Readonly<Record<string, unknown>>,
  ): Record<string, unknown> | null {
    try {
      return this.#options.secretsOf(endpoint)
    } catch (error) {
      if (!(error instanceof SealError)) throw error
      if (isObject(webhook) && 'authSecret' in webhook && 'signing' in webhook) return null
      throw new ApiError(
        'conflict',
        `The webhook of this agent cannot be changed: ${error.message}, with PATCH /agents/${encodeURIComponent(id)} (webhook.authSecret and webhook.signing; null is none)`,
      )
    }
  }
}

function changesWebhook(plan: WebhookPlan, endpoint: StoredDestination | null): boolean {
  return plan.act === 'remove' || (plan.act === 'write' && (endpoint === null || !plan.isSame))
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
