import type { PublishStore, StoredAgent } from '@hookswitch/core'
import type { JsonSchema } from '@hookswitch/events'
import type { ResolvedAgent } from '../config/resolve-config.ts'

/** An agent of the config file or of the API. */
export interface Agent {
  id: string
  name: string
  project: string | null
  origin: 'config' | 'api'
  version: number
  outcomeSchema: JsonSchema | null
  /** Unix milliseconds; null for one of the config file. */
  createdAt: number | null
  updatedAt: number | null
}

/** Where both kinds of agents are found. */
export class AgentBook {
  readonly #configured: ReadonlyMap<string, Agent>
  readonly #store: Pick<PublishStore, 'getAgent' | 'listAgents'>

  constructor(
    configured: ReadonlyMap<string, ResolvedAgent>,
    store: Pick<PublishStore, 'getAgent' | 'listAgents'>,
  ) {
    this.#configured = new Map([...configured].map(([id, agent]) => [id, configuredAgent(id, agent)]))
    this.#store = store
  }

  /** An id of the config file hides the same one of the API. */
  async get(id: string): Promise<Agent | null> {
    const configured = this.#configured.get(id)
    if (configured !== undefined) return configured
    const stored = await this.#store.getAgent(id)
    return stored === null ? null : storedAgent(stored)
  }

  /**
   * By key, after `after`: those of the config file in its order, whose keys are below zero, then those of the API.
   */
  async list(after: number | null, limit: number): Promise<(Agent & { key: number })[]> {
    const configured = [...this.#configured.values()].map((agent, index) => ({
      ...agent,
      key: index - this.#configured.size,
    }))
    const first = configured.filter(({ key }) => after === null || key > after).slice(0, limit)
    if (first.length === limit) return first
    const stored = await this.#store.listAgents({
      after: Math.max(0, after ?? 0),
      limit: limit - first.length,
    })
    return [...first, ...stored.map((agent) => ({ ...storedAgent(agent), key: agent.key }))]
  }
}

function configuredAgent(id: string, { name, project, outcome }: ResolvedAgent): Agent {
  return {
    id,
    name: name ?? id,
    project,
    origin: 'config',
    version: 1,
    outcomeSchema: outcome?.schema ?? null,
    createdAt: null,
    updatedAt: null,
  }
}

export function storedAgent({ id, version, definition, createdAt, updatedAt }: StoredAgent): Agent {
  const { name, project, outcomeSchema } = definition
  return { id, name, project, origin: 'api', version, outcomeSchema, createdAt, updatedAt }
}
