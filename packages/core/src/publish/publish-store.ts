import type { Appended, NewEvent } from '../store/store.ts'
import type { AgentDefinition, NewAgent, StoredAgent } from './agent.ts'
import type { CallProgress, NewStartedCall, StartedCall } from './started-call.ts'

/** The part of the `Store` that is the sending platform: its agents, and the calls that were started. */
export interface PublishStore {
  /** By key, after `after`. */
  listAgents(query: { after: number; limit: number }): Promise<StoredAgent[]>
  getAgent(id: string): Promise<StoredAgent | null>
  /** Null when the id is taken. */
  addAgent(agent: NewAgent): Promise<StoredAgent | null>
  /** On condition that `version` is still the one that was read. The same definition changes nothing. */
  changeAgent(
    id: string,
    version: number,
    definition: AgentDefinition,
  ): Promise<StoredAgent | 'changed' | 'not_found'>
  /** False when there is no such agent. Calls that it had are left as they are. */
  removeAgent(id: string): Promise<boolean>

  /** Durable when it resolves: an id that was given out is known after a crash. */
  addStartedCall(call: NewStartedCall): Promise<StartedCall>
  getStartedCall(callId: string): Promise<StartedCall | null>
  /**
   * Writes each event durably, as `append` does, together with the progress of its call, on condition that the call is
   * still at `expectedVersion`; `changed` where it is not, or is gone. All in one transaction and in the order of the
   * batch; a batch may hold several calls, and of each at most one event.
   */
  publish(batch: readonly Publication[]): Promise<(Appended | 'changed')[]>
}

/** An event to publish, and what its call is after it. */
export interface Publication extends NewEvent {
  expectedVersion: number
  progress: CallProgress
}
