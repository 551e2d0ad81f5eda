import type { PublishStore } from '@hookswitch/core'
import type { Runner } from './delivery-methods.ts'

/** The methods of the port that are the sending platform. */
export function publishMethods({ read, write, ingest, tell }: Runner): PublishStore {
  return {
    listAgents: ({ after, limit }) => read(({ agents }) => agents.list(after, limit)),
    getAgent: (id) => read(({ agents }) => agents.get(id)),
    addAgent: (agent) => write(({ agents }, now) => agents.add(agent, now)),
    changeAgent: (id, version, definition) =>
      write(({ agents }, now) => agents.change(id, version, definition, now)),
    removeAgent: (id) => write(({ agents }) => agents.remove(id)),

    addStartedCall: (call) => ingest(({ startedCalls }, now) => startedCalls.add(call, now)),
    getStartedCall: (callId) => read(({ startedCalls }) => startedCalls.get(callId)),
    async publish(batch) {
      const published = await ingest(({ startedCalls }) => startedCalls.publish(batch))
      if (published.some((one) => one !== 'changed' && !one.duplicate)) tell('appended')
      return published
    },
  }
}
