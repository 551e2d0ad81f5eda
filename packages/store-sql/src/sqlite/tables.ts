import type { DatabaseSync } from 'node:sqlite'
import { AgentTable } from './agents.ts'
import { Appender } from './append.ts'
import { AuditTable } from './audit.ts'
import { CallReader } from './calls.ts'
import { DeliveryCounter } from './delivery-stats.ts'
import { DeliveryTable } from './deliveries.ts'
import { DestinationTable } from './destinations.ts'
import { Eraser } from './erase.ts'
import { EventReader } from './events.ts'
import { Folder } from './fold.ts'
import { LaneTable } from './lanes.ts'
import { NodeTable } from './nodes.ts'
import { ReplayTable } from './replays.ts'
import { Retention } from './retention.ts'
import { SecretTable } from './secrets.ts'
import { StartedCallTable } from './started-calls.ts'
import { WorkTable } from './work.ts'

/** All that is prepared on one connection. A failed write may take it down; it is then prepared anew. */
export type Tables = ReturnType<typeof prepareTables>

export function prepareTables(database: DatabaseSync) {
  const lanes = new LaneTable(database)
  const destinations = new DestinationTable(database, lanes)
  const nodes = new NodeTable(database)
  const appender = new Appender(database)
  return {
    database,
    appender,
    folder: new Folder(database, destinations, lanes),
    events: new EventReader(database),
    calls: new CallReader(database),
    secrets: new SecretTable(database),
    destinations,
    nodes,
    lanes,
    work: new WorkTable(database, { destinations, lanes, nodes }),
    deliveries: new DeliveryTable(database, lanes),
    counter: new DeliveryCounter(database, destinations),
    replays: new ReplayTable(database, lanes),
    audit: new AuditTable(database),
    agents: new AgentTable(database),
    startedCalls: new StartedCallTable(database, appender),
    retention: new Retention(database),
    eraser: new Eraser(database, destinations, lanes),
  }
}
