import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import {
  Deliverer,
  DestinationBook,
  holdAt,
  joinStores,
  storeAt,
  StoreError,
  withoutAnswer,
  type DeliveryJob,
  type DeliveryResult,
  type DestinationDefinition,
  type StoredDestination,
  type StoredEvent,
} from '@hookswitch/core'
import { createEgress, destinationKinds } from '@hookswitch/destinations'
import { openReader } from '@hookswitch/store-sql'
import { createCallViews } from '../agents/call-views.ts'
import { agentViews } from '../config/agent-views.ts'
import { readOutcomeSchema } from '../config/outcome-schema.ts'
import { destinationSecrets } from '../destinations/destination-secrets.ts'
import { callTarget } from '../publish/call-target.ts'
import { createSealer } from '../secrets/sealer.ts'
import { createUserCodeRunner } from '../user-code/user-code-runner.ts'
import { createAttempt, createTest, ofCode } from './attempt.ts'
import { CallReads } from './call-reads.ts'
import type { DeliverReply, DeliverRequest, DeliverThreadData, DeliveryLine } from './deliver-messages.ts'
import { EventReads } from './event-reads.ts'
import { OpenDestinations } from './open-destinations.ts'
import { ownDestinations } from './own-destinations.ts'

// The entry of the thread that delivers: it claims lanes from the writer, reads by itself, and sends.
if (parentPort !== null) await deliver(parentPort, workerData as DeliverThreadData)

/** The deadline of a handler is its kind's; this only bounds what the kind has forgotten. */
const handlerMsMax = 16 * 60_000

/** A test is answered within the time that a person waits for a page. */
const testMs = 25_000

async function deliver(port: MessagePort, data: DeliverThreadData): Promise<void> {
  const say = (reply: DeliverReply): void => port.postMessage(reply)
  const reader = await openReader(data.location, false).catch((error: unknown) => {
    say({ notStarted: error instanceof Error ? error.message : String(error) })
    return null
  })
  if (reader === null) return
  const store = joinStores(storeAt(data.writer), reader)
  const egress = createEgress({ allow: data.egressAllow, version: data.version })
  const userCode = createUserCodeRunner({
    configFile: data.configFile,
    ownModuleUrl: data.ownModuleUrl,
    warm: data.configured.some(({ definition }) => hasFunction(definition)),
    log: (line) => say({ said: line }),
  })
  const sealer = createSealer(data.secretKey)
  const destinations = new OpenDestinations({
    kinds: destinationKinds,
    secrets: destinationSecrets(data.configured, sealer),
    context: {
      egress,
      publicUrl: data.publicUrl,
      version: data.version,
      runHandler: async ({ destination, deliveryId, event, call, outcome, attempt }, signal) => {
        const answer = await userCode.run(
          {
            destination,
            part: 'handler',
            jsonata: null,
            context: { event, call, outcome },
            attempt,
            deliveryId,
            deadlineMs: handlerMsMax,
          },
          signal,
        )
        return answer.ok ? handled : ofCode('handler', answer)
      },
      overrideOf: (callId) => callTarget(store, sealer, callId),
    },
  })
  const inHand = new WeakMap<DeliveryJob, StoredEvent>()
  const attemptOptions = {
    events: new EventReads({ store }),
    calls: new CallReads(store, createCallViews(agentViews(new Map(data.agents.map(readAgent))), store)),
    destinations,
    userCode,
    onEvent: (job: DeliveryJob, event: StoredEvent) => inHand.set(job, event),
    isHeld: async ({ key }: StoredDestination) => {
      const now = (await store.listDestinations()).find((destination) => destination.key === key)
      return now === undefined || holdAt(now.flow, Date.now()) !== null
    },
  }
  const test = createTest(attemptOptions)
  const book = new DestinationBook(store)
  const isOwn = ownDestinations(data.configured, ({ definition: { name: destination } }) => {
    const message = 'left to other nodes: the config file of this one has no such destination, or another'
    say({ said: { level: 'warn', fields: { destination }, message } })
  })
  const deliverer = new Deliverer({
    store,
    node: data.node,
    destination: async (key, version) => {
      const destination = await book.get(key, version)
      return destination !== null && isOwn(destination) ? destination : null
    },
    attempt: createAttempt(attemptOptions),
    onResult: (result) => say({ written: lineOf(result, inHand.get(result.job) ?? null) }),
    onError: (error) => {
      const { code, detail } = error instanceof StoreError ? error : { code: nameOf(error), detail: null }
      say({ failed: { code, detail } })
    },
  })
  store.watch(() => deliverer.wake())
  deliverer.start()

  port.on('message', (request: DeliverRequest) => {
    if ('stop' in request) void stop(request.stop.drainMs)
    else void sendTest(request)
  })
  say({ ready: true })

  async function sendTest({ test: number, destination, sample }: Extract<DeliverRequest, { test: number }>) {
    const startedAt = Date.now()
    const result = await test(destination, sample, AbortSignal.timeout(testMs)).catch(() => notEnded)
    say({ tested: number, result: { ...result, startedAt, durationMs: Date.now() - startedAt } })
  }

  async function stop(drainMs: number): Promise<void> {
    await deliverer.stop(drainMs)
    await userCode.close()
    await destinations.close()
    await egress.close()
    await reader?.close()
    data.writer.close()
    say({ stopped: true })
    port.close()
  }
}

/** Whether a work thread will be needed for it that has loaded the config file. */
function hasFunction({ kind, filter, template }: DestinationDefinition): boolean {
  return kind === 'handler' || [filter, template].some((code) => code !== null && 'function' in code)
}

const handled = withoutAnswer('delivered', null, null)

const notEnded = withoutAnswer('retry', 'timeout', `the test did not end within ${testMs / 1000} s`)

function readAgent([id, { echo, outcome }]: DeliverThreadData['agents'][number]) {
  const reading = outcome === null ? null : readOutcomeSchema(outcome)
  return [id, { echo, outcome: reading?.ok === true ? reading.outcome : null }] as const
}

function lineOf(
  { job, attempt, outcome, durationMs, written }: DeliveryResult,
  event: StoredEvent | null,
): DeliveryLine {
  const { destination, claim } = job
  const isParked = outcome.kind === 'dead' && destination.definition.onExhausted === 'park'
  return {
    destination: destination.definition.name,
    kind: destination.definition.kind,
    event: event === null ? null : { id: event.id, type: event.type, callId: event.callId },
    delivery: `dlv_${claim.delivery.key}`,
    replay: claim.delivery.replayKey !== null,
    attempt: job.attempt,
    outcome: isParked ? 'parked' : outcome.kind,
    verdict: attempt.verdict,
    status: attempt.status,
    cause: attempt.cause,
    ms: durationMs,
    sinceReceivedMs: event === null ? null : Math.max(0, Date.now() - event.receivedAt),
    written,
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
