import type { CallView } from '@hookswitch/events'
import type { ResolvedAgent, ResolvedConfig } from './resolve-config.ts'

/** What is known about an agent, for showing its calls; undefined where nothing is. */
export type AgentViews = (agentId: string | null) => CallView | undefined

export function agentViews(config: Pick<ResolvedConfig, 'agents'>): AgentViews {
  const views = new Map([...config.agents].map(([agentId, agent]) => [agentId, viewOf(agent)]))
  return (agentId) => (agentId === null ? undefined : views.get(agentId))
}

function viewOf({ echo, outcome }: ResolvedAgent): CallView {
  return {
    ...(echo === null ? {} : { echo }),
    ...(outcome === null ? {} : { outcome: outcome.schema, check: outcome.check }),
  }
}
