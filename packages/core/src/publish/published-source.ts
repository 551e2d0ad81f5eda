/**
 * The sources of events that are published here rather than received. A colon stands in no name that a person gives,
 * so that no sender can claim one of them, and whoever is sent events by such a source is sent no others.
 */

const agentPrefix = 'agent:'
const overridePrefix = 'override:'

/** The source of an agent's events, and the name of the destination that is its webhook. */
export function agentSource(agentId: string): string {
  return `${agentPrefix}${agentId}`
}

/**
 * The source of the events of calls whose own webhook is at this host, and the name of the destination for that host:
 * what is limited and held together is what one host bears.
 *
 * @param host with its port where that is not the scheme's own.
 */
export function overrideSource(host: string): string {
  return `${overridePrefix}${host}`
}

/** The agent whose events come from this source; null where the source does not say. */
export function publishingAgent(source: string): string | null {
  return source.startsWith(agentPrefix) ? source.slice(agentPrefix.length) : null
}

/** Whether events of this source were published here. */
export function isPublishedSource(source: string): boolean {
  return source.startsWith(agentPrefix) || source.startsWith(overridePrefix)
}

/** The source of published events that a destination takes alone; null where it takes others, or may. */
export function onlyPublishedSource({ sources }: { sources: readonly string[] | null }): string | null {
  const [only] = sources ?? []
  return sources?.length === 1 && only !== undefined && isPublishedSource(only) ? only : null
}
