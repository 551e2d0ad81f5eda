import type { CallView } from '@hookswitch/events'
import type { ResolvedAgent } from './resolve-config.ts'

type Viewed = Pick<ResolvedAgent, 'echo' | 'outcome'>

/** What is known about an agent, for showing its calls; undefined where nothing is. */
export type AgentViews = (agentId: string | null) => CallView | undefined

export function agentViews(agents: ReadonlyMap<string, Viewed>): AgentViews {
  const views = new Map([...agents].map(([agentId, agent]) => [agentId, viewOf(agent)]))
  return (agentId) => (agentId === null ? undefined : views.get(agentId))
}

function viewOf({ echo, outcome }: Viewed): CallView {
  return {
    ...(echo === null ? {} : { echo }),
    ...(outcome === null ? {} : { outcome: outcome.schema, check: outcome.check }),
  }
}
