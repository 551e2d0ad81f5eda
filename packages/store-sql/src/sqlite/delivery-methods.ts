import type { DeliveryStore, StoreChange } from '@hookswitch/core'
import { giveBackPages } from './retention.ts'
import type { Tables } from './tables.ts'

/** How a store runs something on its connection. `now` is its clock's at the beginning. */
export interface Runner {
  /** In a transaction that sees one moment. */
  read<T>(run: (tables: Tables, now: number) => T): Promise<T>
  /** In a transaction that is on the disk before it resolves. */
  write<T>(run: (tables: Tables, now: number) => T): Promise<T>
  /** Likewise, for what may append to the log; refused where little of the disk is free. */
  ingest<T>(run: (tables: Tables, now: number) => T): Promise<T>
  /** In a transaction that a loss of power may take back whole: what it did is then done again. */
  derive<T>(run: (tables: Tables, now: number) => T): Promise<T>
  /** Outside any transaction. */
  upkeep(run: (tables: Tables) => void): Promise<void>
  tell(change: StoreChange): void
}

/** The methods of the port that deliver, each in its transaction. What a person did is durable, what a node did derived. */
export function deliveryMethods({ read, write, derive, upkeep, tell }: Runner): DeliveryStore {
  const wake = (): void => tell('work')
  /** As `write`, for what may let something be delivered. */
  const act: Runner['write'] = async (run) => {
    const result = await write(run)
    wake()
    return result
  }
  return {
    listDestinations: (wanted) => read(({ destinations }) => destinations.list(wanted?.name ?? null)),
    addDestination: (destination) => write(({ destinations }, now) => destinations.add(destination, now)),
    changeDestination: (id, version, change) =>
      act(({ destinations }, now) => destinations.change(id, version, change, now)),
    removeDestination: (id, undelivered, deliveriesMax) =>
      write(({ destinations }, now) => destinations.remove(id, undelivered, deliveriesMax, now)),
    holdDestination: (id, hold) => act(({ destinations }, now) => destinations.hold(id, hold, now)),
    destinationVersions: (seq) => read(({ destinations }) => destinations.versionsAt(seq)),
    destinationNames: (wanted) => read(({ destinations }) => destinations.names(wanted)),

    async beat(epoch) {
      const { alive, freed } = await derive(({ nodes }, now) => nodes.beat(epoch, now))
      if (freed > 0) wake()
      return alive
    },
    async endEpoch(epoch) {
      await derive(({ nodes }, now) => nodes.end(epoch, now))
      wake()
    },
    work: (request) => derive(({ work }, now) => work.work(request, now)),
    eventsAt: (seqs) => read(({ events }) => events.at(seqs)),

    listDeliveries: (query) => read(({ deliveries }) => deliveries.list(query)),
    getDelivery: (key) => read(({ deliveries }) => deliveries.get(key)),
    deliveriesOfEvent: (seq) => read(({ deliveries }) => deliveries.ofEvent(seq)),
    retryDelivery: (key) => act(({ deliveries }, now) => deliveries.retry(key, now)),
    skipDelivery: (key, reason) => act(({ deliveries }, now) => deliveries.skip(key, reason, now)),
    listLanes: (query) => read(({ lanes }) => lanes.list(query)),
    resumeLane: (key) => act(({ lanes }, now) => lanes.resume(key, now)),
    skipLaneHead: (key, reason) => act(({ lanes }, now) => lanes.skipHead(key, reason, now)),

    matchReplay: (replay) => read(({ replays }) => replays.match(replay)),
    addReplay: (replay) => act(({ replays }, now) => replays.add(replay, now)),
    getReplay: (key) => read(({ replays }) => replays.get(key)),
    listReplays: (query) => read(({ replays }) => replays.list(query)),
    cancelReplay: (key) => write(({ replays }, now) => replays.cancel(key, now)),
    replayRead: (eventsMax) => derive(({ replays }) => replays.read(eventsMax)),
    async replayCommit(commit) {
      const isWritten = await derive(({ replays }, now) => replays.commit(commit, now))
      if (isWritten && commit.deliveries.length > 0) wake()
      return isWritten
    },

    addAudit: (entry) => write(({ audit }, now) => audit.add(entry, now)),
    listAudit: (query) => read(({ audit }) => audit.list(query)),
    deliveryStats: () => read(({ counter }, now) => counter.count(now)),
    recentAttempts: (destinationKey, since, attemptsMax) =>
      read(({ deliveries }) => deliveries.recentAttempts(destinationKey, since, attemptsMax)),

    async expireDeliveries(createdBefore, deliveriesMax) {
      const expired = await derive(({ deliveries }, now) =>
        deliveries.expire(createdBefore, deliveriesMax, now),
      )
      if (expired > 0) wake()
      return expired
    },
    async retain(retention, rowsMax) {
      const report = await derive((tables, now) => tables.retention.retain(retention, rowsMax, now))
      await upkeep(({ database, eraser }) => {
        eraser.overwrite(database)
        giveBackPages(database)
      })
      return report
    },
    async erase(selection, callsMax) {
      const report = await act(({ eraser }, now) => eraser.erase(selection, callsMax, now))
      if (!report.more) await upkeep(({ eraser, database }) => eraser.overwrite(database))
      return report
    },
  }
}
