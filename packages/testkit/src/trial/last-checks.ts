import {
  notRouted,
  type DestinationVersion,
  type ListedDelivery,
  type Store,
  type StoredEvent,
} from '@hookswitch/core'
import type { Disk } from './disk.ts'
import { deliveryName } from './deed.ts'
import type { Ledger } from './ledger.ts'
import type { Senders } from './senders.ts'
import type { Trace } from './trace.ts'
import type { Witness } from './witness.ts'

interface Evidence {
  disk: Disk
  ledger: Ledger
  senders: Senders
  trace: Trace
  witness: Witness
}

/** What must hold when all is quiet: of the log, of the deliveries, and of how they are explained. */
export async function lastChecks(evidence: Evidence): Promise<void> {
  const { disk, senders, witness } = evidence
  const log = await readLog(disk.store)
  senders.check(log)
  const deliveries = await readDeliveries(disk.store)
  checkDeliveries(evidence, deliveries)
  checkTables(evidence)
  await checkExplained(evidence, log, deliveries)
  witness.checkRates()
}

async function readLog(store: Store): Promise<StoredEvent[]> {
  const log: StoredEvent[] = []
  for (;;) {
    const page = await store.listEvents({ after: log.at(-1)?.seq ?? 0, limit: 500 })
    if (page.length === 0) return log
    log.push(...page)
  }
}

async function readDeliveries(store: Store): Promise<ListedDelivery[]> {
  const deliveries: ListedDelivery[] = []
  for (;;) {
    const page = await store.listDeliveries({ before: deliveries.at(-1)?.key ?? null, limit: 500 })
    if (page.length === 0) return deliveries
    deliveries.push(...page)
  }
}

/** P4: every delivery has ended, as its results said, and what is delivered has reached its destination. */
function checkDeliveries({ ledger, trace, witness }: Evidence, deliveries: readonly ListedDelivery[]): void {
  for (const delivery of deliveries) {
    const name = deliveryName(delivery)
    const expected = ledger.find(delivery)
    if (expected === undefined) trace.broken('P4', `the delivery ${name} is there and was never made`)
    else {
      const isRemoved = ledger.destinations.get(delivery.destinationKey)?.removed === true
      const isAsExpected = delivery.state === expected.state && delivery.attempts === expected.attempts
      if (delivery.state === 'pending' || delivery.finishedAt === null) {
        trace.broken('P4', `the delivery ${name} has not ended, and nothing is left to do`)
      } else if (!isRemoved && !isAsExpected) {
        const text = `${delivery.state} after ${delivery.attempts} attempts`
        trace.broken('P4', `${name} is ${text}, and should be ${expected.state} after ${expected.attempts}`)
      }
    }
    if (delivery.state === 'delivered' && !witness.delivered(name)) {
      trace.broken('P4', `${name} is delivered, and its destination has never seen it`)
    }
  }
  if (deliveries.length < ledger.lanes.deliveries.size) {
    trace.broken(
      'P4',
      `${ledger.lanes.deliveries.size - deliveries.length} deliveries are not there any more`,
    )
  }
}

/** P4: no lane without a delivery, no delivery without a lane, and every attempt is counted once. */
function checkTables({ disk, trace }: Evidence): void {
  const wrong = disk.look((database) => {
    const count = (sql: string): number => (database.prepare(sql).get() as { count: number }).count
    return {
      'lanes are left with nothing to deliver': count(`SELECT count(*) AS count FROM lanes`),
      'deliveries wait without a lane': count(
        `SELECT count(*) AS count FROM deliveries d WHERE state = 'pending' AND NOT EXISTS (
           SELECT 1 FROM lanes l WHERE l.destination_key = d.destination_key AND l.lane_key = d.lane_key)`,
      ),
      'deliveries do not have the attempts that they count': count(
        `SELECT count(*) AS count FROM deliveries d WHERE attempts <> (
           SELECT count(*) FROM attempts a WHERE a.delivery_key = d.key AND a.number <= d.attempts)`,
      ),
    }
  })
  for (const [what, count] of Object.entries(wrong)) if (count > 0) trace.broken('P4', `${count} ${what}`)
}

/** P6: for each event and destination there is a delivery, or a reason in the destination's dated settings. */
async function checkExplained(
  { disk, ledger, trace }: Evidence,
  log: readonly StoredEvent[],
  deliveries: readonly ListedDelivery[],
): Promise<void> {
  const made = new Set(deliveries.map(deliveryName))
  for (const event of log) {
    const versions = await disk.store.destinationVersions(event.seq)
    for (const { key } of ledger.destinations.values()) {
      const reason = whyNot(
        versions.filter((version) => version.key === key),
        event,
        ledger.agentAt.get(event.seq) ?? null,
      )
      const isMade = made.has(deliveryName({ destinationKey: key, eventSeq: event.seq, replayKey: null }))
      if (reason === null && !isMade) {
        trace.broken('P6', `event ${event.seq} did not go to destination ${key}, and nothing says why`)
      } else if (reason !== null && isMade) {
        trace.broken(
          'P6',
          `event ${event.seq} went to destination ${key}, whose settings said no (${reason})`,
        )
      }
      trace.count(reason === null ? 'explained by a delivery' : `explained: ${reason}`)
    }
  }
}

/** Why an event is not delivered; null where it is to be. */
function whyNot(
  versions: readonly DestinationVersion[],
  event: StoredEvent,
  agentId: string | null,
): string | null {
  if (versions.length === 0) return null
  const version = versions.findLast(({ fromSeq }) => fromSeq <= event.seq)
  if (version === undefined) return 'made later'
  if (version.definition === null) return 'removed'
  return notRouted(version.definition, event, agentId)
}
