import type { AgentDefinition, CallOverride, CallProgress, StartedCall, StoredAgent } from '@hookswitch/core'
import { phoneDigits } from './delivery-rows.ts'

/** Rows of the tables of agents and of the calls that they make as both drivers give them, and the objects of the port. */

export interface AgentRow {
  key: number
  id: string
  version: number
  definition: string
  created_at: number
  updated_at: number
}

export function storedAgent(row: AgentRow): StoredAgent {
  return {
    key: row.key,
    id: row.id,
    version: row.version,
    definition: JSON.parse(row.definition) as AgentDefinition,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}

export interface StartedCallRow {
  key: number
  call_id: string
  agent_id: string
  conversation_id: string
  direction: string
  to_address: string | null
  from_address: string | null
  override: string | null
  sealed_secrets: string | null
  version: number
  created_at: number
  progress: string
  params: string
}

export function startedCall(row: StartedCallRow): StartedCall {
  return {
    callId: row.call_id,
    agentId: row.agent_id,
    conversationId: row.conversation_id,
    direction: row.direction as StartedCall['direction'],
    to: row.to_address,
    from: row.from_address,
    params: JSON.parse(row.params) as Record<string, unknown>,
    override: row.override === null ? null : (JSON.parse(row.override) as CallOverride),
    sealedSecrets: row.sealed_secrets,
    progress: JSON.parse(row.progress) as CallProgress,
    version: row.version,
    createdAt: row.created_at,
  }
}

/** The user's number in a row of `started_calls`: whoever called, or was called by the agent. */
export const userNumber = `CASE direction WHEN 'outbound' THEN to_address ELSE from_address END`

/** Whether a number is the one that is compared by these digits. */
export function hasDigits(number: string | null, digits: string): boolean {
  return number !== null && phoneDigits(number) === digits
}
