import type { PublishStore } from '@hookswitch/core'
import { addAgent, changeAgent, getAgent, listAgents, removeAgent } from './agents.ts'
import type { Connections } from './connections.ts'
import { addStartedCall, getStartedCall, publish } from './started-calls.ts'
import type { Watch } from './watch.ts'

/** The methods of the port that are the sending platform. */
export function publishMethods(connections: Connections, watch: Watch): PublishStore {
  const { read, act, actTransaction } = connections
  return {
    listAgents: (query) => listAgents(read, query),
    getAgent: (id) => getAgent(read, id),
    addAgent: (agent) => addAgent(act, agent),
    changeAgent: (id, version, definition) =>
      actTransaction((query) => changeAgent(query, id, version, definition)),
    removeAgent: (id) => removeAgent(act, id),

    addStartedCall: (call) => addStartedCall(act, call),
    getStartedCall: (callId) => getStartedCall(read, callId),
    async publish(batch) {
      const published = await publish(connections.append, batch)
      if (published.some((one) => one !== 'changed' && !one.duplicate)) watch.changed('appended')
      return published
    },
  }
}
