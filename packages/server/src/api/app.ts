import type { HttpBindings } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type {
  AttemptResult,
  DeliveryStore,
  PublishStore,
  RetentionDays,
  Store,
  StoredDestination,
} from '@hookswitch/core'
import type { AgentBook } from '../agents/agent-book.ts'
import type { CallViews } from '../agents/call-views.ts'
import type { ResolvedSource } from '../config/resolve-config.ts'
import type { SampleEvent } from '../deliver/sample-call.ts'
import type { SharedContext } from '../destinations/check-destinations.ts'
import type { DestinationSecrets } from '../destinations/destination-secrets.ts'
import type { Logger } from '../observe/log.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { Publisher } from '../publish/publisher.ts'
import type { Sealer } from '../secrets/sealer.ts'
import type { EventStream } from '../stream/event-stream.ts'

/** The application that the routes are added to; it runs on node:http. */
export type ApiApp = OpenAPIHono<{ Bindings: HttpBindings }>

/** What the routes work on. */
export interface ApiOptions {
  store: Pick<Store, 'getCall' | 'listCalls' | 'listEvents' | 'getEvent' | 'logBounds'> &
    Pick<PublishStore, 'getAgent' | 'addAgent' | 'changeAgent' | 'removeAgent' | 'getStartedCall'> &
    DestinationStore
  keyring: Pick<Keyring, 'list' | 'refresh' | 'add' | 'endOthers' | 'remove'>
  /** The sources that exist. */
  sources: ReadonlyMap<string, Pick<ResolvedSource, 'name'>>
  /** Whether an Authorization header shows the admin token. */
  isAdmin: (authorization: string | undefined) => boolean
  callViews: CallViews
  agents: AgentBook
  publisher: Pick<Publisher, 'start' | 'publish'>
  /** Unix milliseconds. */
  clock: () => number
  stream: Pick<EventStream, 'serve'>
  log: Pick<Logger, 'error'>
  sealer: Pick<Sealer, 'seal'>
  secretsOf: DestinationSecrets
  /** What the kinds of destination look at settings with. */
  kindContext: SharedContext
  /** How long what is kept is kept. */
  retention: RetentionDays
  /** Sends a sample to a destination, with its settings as they are now, whether it is held or not. */
  testDestination: (destination: StoredDestination, sample?: SampleEvent) => Promise<TestAttempt>
}

export type TestAttempt = AttemptResult & {
  /** Unix milliseconds. */
  startedAt: number
  durationMs: number
}

/** What the routes of destinations and deliveries ask of the store: everything but the work itself. */
export type DestinationStore = Omit<
  DeliveryStore,
  | 'beat'
  | 'endEpoch'
  | 'work'
  | 'eventsAt'
  | 'replayRead'
  | 'replayCommit'
  | 'deliveryStats'
  | 'expireDeliveries'
  | 'retain'
>
