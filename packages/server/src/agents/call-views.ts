import { isPublishedSource, type PublishStore } from '@hookswitch/core'
import type { CallHead, CallView } from '@hookswitch/events'
import type { AgentViews } from '../config/agent-views.ts'
import { readOutcomeSchema } from '../config/outcome-schema.ts'

/** What is known of a call besides its events: its agent's outcome schema, and which of its fields were collected. */
export type CallViews = (head: Pick<CallHead, 'callId' | 'agentId' | 'sources'>) => Promise<CallView>

/** Schemas that are kept compiled; the one used longest ago goes. */
const schemasMax = 200

/**
 * @param configured what the config file says, which goes before what the store has.
 */
export function createCallViews(
  configured: AgentViews,
  store: Pick<PublishStore, 'getAgent' | 'getStartedCall'>,
): CallViews {
  const compiled = new Map<string, { key: number; version: number; view: CallView }>()

  async function ofAgent(agentId: string): Promise<CallView> {
    const known = configured(agentId)
    if (known !== undefined) return known
    const agent = await store.getAgent(agentId)
    const schema = agent?.definition.outcomeSchema ?? null
    if (agent === null || schema === null) return {}
    const kept = compiled.get(agentId)
    compiled.delete(agentId)
    const { key, version } = agent
    // One that was removed and made again under the same id has another key, and begins at the same version.
    const isSame = kept?.key === key && kept.version === version
    const entry = isSame ? kept : { key, version, view: viewOf(schema) }
    compiled.set(agentId, entry)
    const [oldest] = compiled.keys()
    if (compiled.size > schemasMax && oldest !== undefined) compiled.delete(oldest)
    return entry.view
  }

  return async ({ callId, agentId, sources }) => {
    const started = sources.some(isPublishedSource) ? await store.getStartedCall(callId) : null
    const id = started?.agentId ?? agentId?.value ?? null
    const view = id === null ? {} : await ofAgent(id)
    return started === null ? view : { ...view, collected: started.progress.collected ?? [] }
  }
}

/** It was compiled before it was stored, and one that is not understood any more shows nothing but raw values. */
function viewOf(schema: Record<string, unknown>): CallView {
  const reading = readOutcomeSchema(schema)
  return reading.ok ? { outcome: reading.outcome.schema, check: reading.outcome.check } : {}
}
