import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from '@prometheus-io/client'
import { knownEventTypes } from '@hookswitch/events'
import type { Arrival, DeliveryStats, HoldReason, LogBounds, StoreStats } from '@hookswitch/core'
import type { Published } from '../publish/publisher.ts'
import type { DeliveryLine } from '../deliver/deliver-messages.ts'

const known = new Set<string>(knownEventTypes)

const holdReasons: readonly HoldReason[] = [
  'paused',
  'breaker',
  'retry_after',
  'gone',
  'auth',
  'failing',
  'removed',
]

/** A sender chooses the type, so what is not one of the five counts as one: labels must stay few. */
function typeLabel(type: string): string {
  return known.has(type) ? type : 'other'
}

export interface Metrics {
  arrival(arrival: Arrival): void
  published(published: Published): void
  commit(commit: { events: number; ms: number; ok: boolean }): void
  folded(folded: { events: number; marked: number; ms: number }): void
  foldFailed(): void
  delivery(line: DeliveryLine): void
  /** The page for Prometheus; asks the store for what is measured at that moment. */
  page(): Promise<{ contentType: string; text: string }>
}

export interface MetricsSources {
  bounds(): Promise<LogBounds>
  stats(): Promise<StoreStats>
  deliveries(): Promise<DeliveryStats>
  inFlightBytes(): number
  streams(): number
  clock: () => number
}

/** Everything that is counted, under the names that the documentation lists. No label holds a name of a call or caller. */
export function createMetrics(sources: MetricsSources): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const arrivals = new Counter({
    name: 'hookswitch_arrivals_total',
    help: 'Requests to the ingest by result; type is one of the five or other, and none where it was not read.',
    labelNames: ['result', 'type'] as const,
    registers,
  })
  const published = new Counter({
    name: 'hookswitch_published_total',
    help: 'Events that were published here; type is one of the five or other.',
    labelNames: ['type'] as const,
    registers,
  })
  const rejections = new Counter({
    name: 'hookswitch_rejections_total',
    help: 'Requests to the ingest that were not accepted, by reason.',
    labelNames: ['reason'] as const,
    registers,
  })
  const collisions = new Counter({
    name: 'hookswitch_key_collisions_total',
    help: 'Events whose key was known with other content; both are kept.',
    registers,
  })
  const ack = new Histogram({
    name: 'hookswitch_ack_seconds',
    help: 'From the head of the request to the 200.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  })
  const commitSeconds = new Histogram({
    name: 'hookswitch_commit_seconds',
    help: 'One group commit, from handing it to the store to its answer.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 4],
    registers,
  })
  const batch = new Histogram({
    name: 'hookswitch_commit_events',
    help: 'Events in one group commit.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    registers,
  })
  const commitsFailed = new Counter({
    name: 'hookswitch_commits_failed_total',
    help: 'Group commits that the store refused or did not finish.',
    registers,
  })
  const foldEvents = new Counter({
    name: 'hookswitch_folded_events_total',
    help: 'Events folded into call records by this node.',
    registers,
  })
  const foldErrors = new Counter({
    name: 'hookswitch_fold_errors_total',
    help: 'Events that broke the fold and were passed over.',
    registers,
  })
  const foldFailures = new Counter({
    name: 'hookswitch_fold_failures_total',
    help: 'Stretches of the log that could not be folded because the store failed; they are tried again.',
    registers,
  })
  const foldSeconds = new Histogram({
    name: 'hookswitch_fold_stretch_seconds',
    help: 'Folding one stretch of the log, its commit included.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5],
    registers,
  })
  const attempts = new Counter({
    name: 'hookswitch_delivery_attempts_total',
    help: 'Tries of deliveries that were written, by kind of destination and verdict.',
    labelNames: ['kind', 'verdict'] as const,
    registers,
  })
  const ended = new Counter({
    name: 'hookswitch_deliveries_total',
    help: 'Deliveries that ended or were put off by a try: delivered, filtered, dead, parked, retry, held, returned.',
    labelNames: ['kind', 'outcome'] as const,
    registers,
  })
  const attemptSeconds = new Histogram({
    name: 'hookswitch_delivery_attempt_seconds',
    help: 'One try of a delivery, filter and template included.',
    labelNames: ['kind'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })
  const deliverySeconds = new Histogram({
    name: 'hookswitch_delivery_seconds',
    help: 'From the receipt of an event to its delivery, replays left out.',
    labelNames: ['kind'] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300, 3_600, 86_400],
    registers,
  })
  const gauge = (name: string, help: string): Gauge => new Gauge({ name, help, registers })
  const lagEvents = gauge('hookswitch_fold_lag_events', 'Places of the log that are not folded yet.')
  const lagSeconds = gauge('hookswitch_fold_lag_seconds', 'Age of the oldest event that is not folded yet.')
  const newest = gauge('hookswitch_log_newest_seq', 'Place of the newest event in the log.')
  const bytes = gauge('hookswitch_store_bytes', 'Bytes that the store takes on disk.')
  const free = gauge('hookswitch_store_free_bytes', 'Free bytes where the store lies, where that is known.')
  const up = gauge('hookswitch_store_up', '1 while the store answers.')
  const inFlight = gauge(
    'hookswitch_in_flight_bytes',
    'Bytes of bodies between their first byte and their commit.',
  )
  const streams = gauge('hookswitch_streams', 'Open streams of events.')
  const pending = gauge('hookswitch_deliveries_pending', 'Deliveries that have not ended yet.')
  const oldestDue = gauge(
    'hookswitch_delivery_overdue_seconds',
    'How long the delivery that is most overdue has been due, at destinations that are not held; 0 where none is.',
  )
  const lanes = new Gauge({
    name: 'hookswitch_lanes',
    help: 'Lanes with something to deliver: due now, waiting for their time, parked.',
    labelNames: ['state'] as const,
    registers,
  })
  const held = new Gauge({
    name: 'hookswitch_destinations_held',
    help: 'Destinations that are sent nothing, by reason.',
    labelNames: ['reason'] as const,
    registers,
  })

  // Looked up once: a label is found by a string key at every use otherwise.
  const ofType = (result: string): ((type: string) => { inc(): void }) => {
    const children = new Map([...known, 'other'].map((type) => [type, arrivals.labels({ result, type })]))
    return (type) => children.get(typeLabel(type)) ?? arrivals.labels({ result, type: 'other' })
  }
  const accepted = ofType('accepted')
  const duplicate = ofType('duplicate')
  const rejected = arrivals.labels({ result: 'rejected', type: 'none' })

  async function measure(): Promise<void> {
    inFlight.set(sources.inFlightBytes())
    streams.set(sources.streams())
    try {
      const [bounds, stats, deliveries] = await Promise.all([
        sources.bounds(),
        sources.stats(),
        sources.deliveries(),
      ])
      showDeliveries(deliveries)
      const age = bounds.oldestUnfoldedAt === null ? 0 : sources.clock() - bounds.oldestUnfoldedAt
      lagSeconds.set(Math.max(0, age) / 1000)
      lagEvents.set(Math.max(0, bounds.newestSeq - bounds.foldedSeq))
      newest.set(bounds.newestSeq)
      bytes.set(stats.bytes)
      // A gauge that nobody has set reads as zero, which here would be a full disk.
      if (stats.freeBytes === null) registry.removeSingleMetric('hookswitch_store_free_bytes')
      else free.set(stats.freeBytes)
      up.set(1)
    } catch {
      up.set(0)
    }
  }

  function showDeliveries({ destinations }: DeliveryStats): void {
    const sum = (field: 'pending' | 'lanesDue' | 'lanesWaiting' | 'lanesParked'): number =>
      destinations.reduce((total, destination) => total + destination[field], 0)
    pending.set(sum('pending'))
    lanes.set({ state: 'due' }, sum('lanesDue'))
    lanes.set({ state: 'waiting' }, sum('lanesWaiting'))
    lanes.set({ state: 'parked' }, sum('lanesParked'))
    for (const reason of holdReasons) {
      held.set({ reason }, destinations.filter(({ hold }) => hold?.reason === reason).length)
    }
    // What a person holds back is not late.
    const due = destinations.flatMap(({ hold, oldestDueAt }) =>
      hold === null && oldestDueAt !== null ? [oldestDueAt] : [],
    )
    oldestDue.set(due.length === 0 ? 0 : Math.max(0, sources.clock() - Math.min(...due)) / 1000)
  }

  return {
    arrival(arrival) {
      if (arrival.result === 'rejected') {
        rejected.inc()
        rejections.inc({ reason: arrival.reason })
        return
      }
      if (arrival.result === 'accepted') accepted(arrival.type).inc()
      else duplicate(arrival.type).inc()
      if (arrival.collision) collisions.inc()
      ack.observe(arrival.ms / 1000)
    },
    published: ({ type }) => published.inc({ type: typeLabel(type) }),
    commit({ events, ms, ok }) {
      if (!ok) commitsFailed.inc()
      commitSeconds.observe(ms / 1000)
      batch.observe(events)
    },
    folded({ events, marked, ms }) {
      foldEvents.inc(events)
      if (marked > 0) foldErrors.inc(marked)
      foldSeconds.observe(ms / 1000)
    },
    foldFailed: () => foldFailures.inc(),
    delivery({ kind, verdict, outcome, ms, sinceReceivedMs, replay, written }) {
      if (!written) return
      attempts.inc({ kind, verdict })
      ended.inc({ kind, outcome })
      attemptSeconds.observe({ kind }, ms / 1000)
      if (outcome === 'delivered' && !replay && sinceReceivedMs !== null) {
        deliverySeconds.observe({ kind }, sinceReceivedMs / 1000)
      }
    },
    async page() {
      await measure()
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}
