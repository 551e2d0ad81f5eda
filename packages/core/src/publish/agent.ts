/** What a person sets about a voice agent of their own. Its webhook is a destination; see `agentSource`. */
export interface AgentDefinition {
  name: string
  /** `projectId` of its events. */
  project: string | null
  /** JSON Schema of what its calls collect. */
  outcomeSchema: Record<string, unknown> | null
  /** Counts the changes of its webhook, which has a row of its own, so that they count in the agent's version too. */
  webhookChanges?: number
}

/** An agent that was made over the API; those of the config file stand in it alone. */
export interface StoredAgent {
  /** Numbers agents in the order in which they were made. */
  key: number
  /** `agt_…`, or what whoever made it calls it; unique. */
  id: string
  /** From 1, counts the changes of its definition. */
  version: number
  definition: AgentDefinition
  /** Unix milliseconds. */
  createdAt: number
  updatedAt: number
}

export type NewAgent = Pick<StoredAgent, 'id' | 'definition'>
