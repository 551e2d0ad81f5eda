import { hash } from 'node:crypto'
import {
  type Acceptor,
  agentSource,
  callId as newCallId,
  ingestLimits,
  newEvent,
  nextCallState,
  overrideSource,
  repeatableMax,
  type Appended,
  type CallOverride,
  type CallProgress,
  type NewStartedCall,
  type Publication,
  type PublishedAnswer,
  type PublishStore,
  type Repeatable,
  type StartedCall,
} from '@hookswitch/core'
import { canonicalContent, readEnvelope, readFacts } from '@hookswitch/events'
import { buildEvent, type BuiltEvent } from '@hookswitch/sender'
import type { Agent, AgentBook } from '../agents/agent-book.ts'
import { contradiction, numbersOf, paramsIn, readIssues } from './call-data.ts'
import { ensureOverrideHost, type OverrideStore } from './override.ts'

export interface PublisherOptions {
  store: Pick<PublishStore, 'addStartedCall' | 'getStartedCall'> & OverrideStore
  /** Writes publications together that came together. */
  commit: Acceptor<Publication, Appended | 'changed'>
  agents: Pick<AgentBook, 'get'>
  /** Unix milliseconds. */
  clock: () => number
  onPublished?: (published: Published) => void
}

/** One event that was published, as it is counted and logged: nothing of what it says. */
export interface Published {
  source: string
  type: string
  callId: string
  id: string
  bytes: number
  ms: number
}

export interface CallStart extends Omit<NewStartedCall, 'callId' | 'conversationId' | 'sealedSecrets'> {
  /** Encrypts the secret of the call's own webhook for this call; null where there is none. */
  sealSecrets: (callId: string) => string | null
}

export interface PublishRequest {
  callId: string
  eventType: string
  /** The inner data. */
  data: Record<string, unknown>
  /** The same request again has the same key, and is answered as the first. */
  idempotencyKey: string | null
}

export type PublishResult =
  | { ok: true; answer: PublishedAnswer; duplicate: boolean }
  | { ok: false; code: 'not_found' | 'conflict' | 'invalid' | 'too_large' | 'unavailable'; reason: string }

/**
 * Other nodes publish in the same call only where a client asks several at once. In each round one of them gets
 * through: of ten nodes that all do so, one in thirty thousand would be turned away after so many.
 */
const roundsMax = 100

/**
 * Starts calls and publishes their events: in the documented envelope, with the call's params where they are echoed,
 * in the order in which they were asked for, and each at a time of its own. What is published enters the log as what
 * is received does, and is folded, routed and delivered from there.
 */
export class Publisher {
  readonly #options: PublisherOptions
  /** The last publication of each call that one is under way in. */
  readonly #underWay = new Map<string, Promise<unknown>>()

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** Keeps a call, and publishes nothing. */
  start({ sealSecrets, ...call }: CallStart): Promise<StartedCall> {
    const callId = newCallId(this.#options.clock())
    return this.#options.store.addStartedCall({
      ...call,
      callId,
      sealedSecrets: sealSecrets(callId),
      conversationId: callId.replace(/^call_/, 'conv_'),
    })
  }

  /** Events of one call are published one after the other, those of different calls together. */
  async publish(request: PublishRequest): Promise<PublishResult> {
    const { callId } = request
    const before = this.#underWay.get(callId) ?? Promise.resolve()
    const published = before.then(() => this.#publish(request))
    const settled = published.catch(() => {})
    this.#underWay.set(callId, settled)
    try {
      return await published
    } finally {
      if (this.#underWay.get(callId) === settled) this.#underWay.delete(callId)
    }
  }

  async #publish(request: PublishRequest): Promise<PublishResult> {
    const begun = performance.now()
    const { idempotencyKey } = request
    const keyed = idempotencyKey === null ? null : { idempotencyKey, content: contentOf(request) }
    for (let round = 0; round < roundsMax; round += 1) {
      const call = await this.#options.store.getStartedCall(request.callId)
      if (call === null) return refused('not_found', 'No call that was started here has this callId')
      const repeated = keyed === null ? null : findRepeated(call, request, keyed)
      if (repeated !== null) return repeated
      const agent = await this.#options.agents.get(call.agentId)
      // Another of that id, made after the call was started, is not the one that the call is of.
      if (agent === null || (agent.createdAt ?? 0) > call.createdAt) {
        return refused('conflict', 'The agent of this call has been removed')
      }
      const prepared = prepare(call, agent, request, keyed, this.#options.clock())
      if (!prepared.ok) return prepared
      const { publication, answer } = prepared
      const { source, type, callId, id } = publication
      const bytes = publication.body.byteLength
      // Whoever removes the destination of a host, a person or a call to yet another, may do so between two events.
      if (call.override !== null) {
        await ensureOverrideHost(this.#options.store, hostOf(call.override), this.#options.clock())
      }
      if ((await this.#commit(publication)) === 'changed') continue
      this.#options.onPublished?.({ source, type, callId, id, bytes, ms: performance.now() - begun })
      return { ok: true, answer, duplicate: false }
    }
    // Nothing forbids it, so it must not look like a refusal: whoever asks again is taken.
    return refused('unavailable', 'Others keep publishing in this call; try again')
  }

  #commit(publication: Publication): Promise<Appended | 'changed'> {
    return new Promise((resolve, reject) => {
      this.#options.commit.accept(
        publication,
        (written) => {
          if (written.ok) resolve(written.appended)
          else reject(written.error)
        },
        () => {},
      )
    })
  }
}

const decoder = new TextDecoder()

type Prepared =
  { ok: true; publication: Publication; answer: PublishedAnswer } | Extract<PublishResult, { ok: false }>

/** The event as it will be stored and sent, and the call after it. */
function prepare(
  call: StartedCall,
  agent: Agent,
  { eventType, data }: PublishRequest,
  keyed: Keyed | null,
  now: number,
): Prepared {
  const { callId, progress } = call
  const step = nextCallState(progress.state, eventType)
  if (!step.ok) return refused('conflict', step.reason)
  // Two events of one millisecond that say the same would be one.
  const at = progress.lastEventAt === null ? now : Math.max(now, progress.lastEventAt + 1)
  let built: BuiltEvent
  try {
    built = buildEvent({
      eventType,
      callId,
      at,
      projectId: agent.project,
      agentId: agent.id,
      agentName: agent.name,
      data,
      params: call.params,
      call: { conversationId: call.conversationId, direction: call.direction, ...numbersOf(call) },
    })
  } catch (error) {
    if (error instanceof TypeError) return refused('invalid', error.message)
    throw error
  }
  const problem = contradiction(call, eventType, data)
  if (problem !== null) return refused('invalid', problem)
  const { event: value, body, collisions } = built
  const { bodyBytesMax } = ingestLimits
  if (body.byteLength > bodyBytesMax) {
    return refused('too_large', `The event has ${body.byteLength} bytes, at most ${bodyBytesMax} are allowed`)
  }
  const reading = readEnvelope(value)
  if (!reading.ok) throw new Error('an event was built that cannot be read')
  const { envelope } = reading
  const facts = readFacts(envelope, value)
  const odd = readIssues(eventType, data, facts)
  if (!odd.ok) return refused('invalid', odd.problem)
  const source = call.override === null ? agentSource(agent.id) : overrideSource(hostOf(call.override))
  const event = newEvent(source, envelope, { value, text: decoder.decode(body) }, body, now)
  const answer: PublishedAnswer = {
    id: event.id,
    eventType: event.type,
    timestamp: new Date(at).toISOString(),
    collisions,
    ...(odd.issues.length === 0 ? {} : { issues: odd.issues }),
  }
  const next: CallProgress = {
    state: step.state,
    lastEventAt: at,
    collected: collectedBy(eventType, facts.outcome, collisions, call),
    repeatable:
      keyed === null
        ? progress.repeatable
        : [...progress.repeatable, { ...keyed, answer }].slice(-repeatableMax),
  }
  return { ok: true, publication: { ...event, expectedVersion: call.version, progress: next }, answer }
}

function hostOf({ url }: CallOverride): string {
  return new URL(url).host
}

/**
 * The end has the params in its outcome, with what was collected over them; what comes before it has what was
 * collected alone.
 */
function collectedBy(
  eventType: string,
  outcome: Record<string, unknown> | null,
  collisions: string[],
  { params, progress }: StartedCall,
): string[] | null {
  if (eventType === 'call.ended') return collisions
  return outcome === null ? progress.collected : paramsIn(outcome, params)
}

/** A publication that may be repeated, by its key and what it says. */
type Keyed = Pick<Repeatable, 'idempotencyKey' | 'content'>

/** The same for the same JSON, however it is written. */
function contentOf({ eventType, data }: PublishRequest): string {
  const text = JSON.stringify({ eventType, data })
  return hash('sha256', canonicalContent({ eventType, data }, text) ?? text, 'base64url').slice(0, 22)
}

function findRepeated(
  { progress }: StartedCall,
  { eventType }: PublishRequest,
  { idempotencyKey, content }: Keyed,
): PublishResult | null {
  const known = progress.repeatable.find((entry) => entry.idempotencyKey === idempotencyKey)
  if (known === undefined) return null
  const { answer } = known
  if (known.content === content) return { ok: true, answer, duplicate: true }
  const other = answer.eventType === eventType ? `${eventType} with other data` : answer.eventType
  return refused(
    'conflict',
    `This Idempotency-Key was used for ${other}; each publication needs one of its own`,
  )
}

function refused(
  code: Extract<PublishResult, { ok: false }>['code'],
  reason: string,
): Extract<PublishResult, { ok: false }> {
  return { ok: false, code, reason }
}
