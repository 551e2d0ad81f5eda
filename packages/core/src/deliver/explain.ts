import { onlyPublishedSource } from '../publish/published-source.ts'
import { notRouted, type NotRouted } from '../route/route.ts'
import type { StoredEvent } from '../store/store.ts'
import type { ListedDelivery, StoredAttempt, StoredLane } from './delivery.ts'
import type { DestinationDefinition, DestinationVersion, Hold, StoredDestination } from './destination.ts'
import {
  becauseOf,
  clockTime,
  dueText,
  holdEnd,
  holdReason,
  lastTry,
  orderedList,
  triesFailed,
} from './explain-words.ts'
import { holdAt } from './flow.ts'

/** What became of one event at one destination. */
export type ExplainedState =
  | 'delivered'
  | 'filtered'
  | 'dead'
  | 'skipped'
  /** It waits for its first try, or is being sent. */
  | 'pending'
  /** Tries have failed, and there will be another. */
  | 'retrying'
  /** It is the head of a lane that waits for a person. */
  | 'parked'
  /** The destination is sent nothing at present. */
  | 'held'
  /** Another delivery of its lane comes first. */
  | 'behind'
  /** The destination does not take events of this type. */
  | 'not_subscribed'
  /** It takes other sources or agents only. */
  | 'out_of_scope'
  /** It was not routed to when this event was. */
  | 'not_there_yet'
  /** The event is stored; its turn to be routed has not come. */
  | 'not_routed_yet'
  /** It was routed, and the record of it is older than what is kept. */
  | 'not_kept'

export interface Explanation {
  destination: { id: string; name: string }
  state: ExplainedState
  /** For people; without payload. */
  sentence: string
  /** The latest delivery of the event to this destination, which decides; null where none is known. */
  delivery: ExplainedDelivery | null
  /** The hold that is in force, where the delivery waits. */
  hold: Hold | null
  /** Unix milliseconds; null where none is planned, or where it depends on a hold or another delivery. */
  nextAttemptAt: number | null
  /** The settings that the event was routed by, where they decide: their version and since when they were valid. */
  routedBy: { version: number; at: number } | null
}

/** A delivery with what its explanation needs to know. */
export interface ExplainedDelivery {
  delivery: ListedDelivery
  lastAttempt: StoredAttempt | null
  /** Of a pending one: its lane, and the head of that lane where it is another delivery. */
  lane: StoredLane | null
  head: ListedDelivery | null
}

export interface ExplainSubject {
  event: Pick<StoredEvent, 'id' | 'seq' | 'type' | 'source'>
  /** Its turn to be folded and routed has come. */
  folded: boolean
  /** Of the call, as it is known now. */
  agentId: string | null
  /** As `destinationVersions` gives them. */
  versions: readonly DestinationVersion[]
  /** All deliveries of the event. */
  deliveries: readonly ExplainedDelivery[]
  /** Those that exist now. */
  destinations: readonly StoredDestination[]
  /** Only about this one, whatever it takes. */
  destinationKey?: number | null
  /** Unix milliseconds by the store's clock. */
  now: number
}

/**
 * Says of each destination what became of the event there, and why; nothing of those that were gone before, nor of the
 * webhooks of other agents, of which there may be hundreds. Pure.
 */
export function explainEvent(subject: ExplainSubject): Explanation[] {
  const { event, destinationKey = null } = subject
  if (destinationKey !== null) return [explainAt(destinationKey, subject)]
  const concerns = ({ scope }: DestinationDefinition): boolean =>
    [null, event.source].includes(onlyPublishedSource(scope))
  const keys = new Set([
    ...subject.destinations.filter(({ definition }) => concerns(definition)).map(({ key }) => key),
    // One that was gone before the event has no other version than its removal.
    ...subject.versions
      .filter(({ definition }) => definition !== null && concerns(definition))
      .map(({ key }) => key),
    ...subject.deliveries.map(({ delivery }) => delivery.destinationKey),
  ])
  return [...keys].sort((one, other) => one - other).map((key) => explainAt(key, subject))
}

/** One destination as it is and as it was. */
interface Place {
  id: string
  name: string
  /** Null once it is removed. */
  present: StoredDestination | null
  /** What the event was routed by; null where the destination was not routed to. */
  routedBy: (DestinationVersion & { definition: DestinationDefinition }) | null
  /** At the event it had been taken out of the config file, or was being removed. */
  wasRemoved: boolean
  /** When it was routed to again, or at first, where that came after the event. */
  addedAt: number | null
  removedAt: number | null
}

type Finding = Omit<Explanation, 'destination'>

const nothing = { delivery: null, hold: null, nextAttemptAt: null, routedBy: null }

function explainAt(key: number, subject: ExplainSubject): Explanation {
  const place = placeOf(key, subject)
  const ofPlace = subject.deliveries.filter(({ delivery }) => delivery.destinationKey === key)
  const [latest] = ofPlace.toSorted((one, other) => other.delivery.key - one.delivery.key)
  const finding =
    latest !== undefined ? explainDelivery(latest, place, subject.now) : explainAbsence(place, subject)
  const { id, name } = place
  const removed =
    place.removedAt === null ? '' : ` ${name} was removed at ${clockTime(place.removedAt, subject.now)}.`
  return { destination: { id, name }, ...finding, sentence: finding.sentence + removed }
}

function placeOf(key: number, { event, versions, destinations }: ExplainSubject): Place {
  const present = destinations.find((destination) => destination.key === key) ?? null
  const history = versions
    .filter((version) => version.key === key)
    .sort((one, other) => one.version - other.version)
  const valid = history.findLast(({ fromSeq }) => fromSeq <= event.seq)
  const later = history.find(({ fromSeq, definition }) => fromSeq > event.seq && definition !== null)
  const last = history.at(-1)
  return {
    id: present?.id ?? last?.id ?? '',
    name: present?.definition.name ?? last?.name ?? '',
    present,
    routedBy:
      valid === undefined || valid.definition === null ? null : { ...valid, definition: valid.definition },
    wasRemoved: valid?.definition === null,
    addedAt: later?.at ?? null,
    removedAt: present === null && last?.definition === null ? last.at : null,
  }
}

function explainDelivery(explained: ExplainedDelivery, place: Place, now: number): Finding {
  const { delivery, lastAttempt } = explained
  const { state, finishedAt, attempts, reason } = delivery
  const replay = delivery.replayKey === null ? '' : ` This was replay rpl_${delivery.replayKey}.`
  if (state === 'pending') {
    const waiting = explainWaiting(explained, place, now)
    return { ...waiting, delivery: explained, sentence: waiting.sentence + replay }
  }
  const time = finishedAt === null ? null : clockTime(finishedAt, now)
  const at = time === null ? '' : ` at ${time}`
  const by = attempts > 1 ? `, by try ${attempts}` : ''
  const answer = lastAttempt === null ? '' : ` (${lastTry(lastAttempt)})`
  const sentences = {
    delivered: `Delivered${at}${by}${answer}.`,
    filtered: `Not sent: the filter of ${place.name} said no${at}. A replay asks it again.`,
    dead: `Dead${time === null ? '' : ` since ${time}`}${becauseOf(reason)}. It is sent again when somebody retries it.`,
    skipped: `Skipped${at}${becauseOf(reason)}.`,
  }
  return { ...nothing, delivery: explained, state, sentence: sentences[state] + replay }
}

/** What a pending delivery waits for; the first that applies, in the order in which a person would have to act. */
function explainWaiting(
  { delivery, lastAttempt, lane, head }: ExplainedDelivery,
  { name, present }: Place,
  now: number,
): Omit<Finding, 'delivery'> {
  const { attempts } = delivery
  const failed = triesFailed(attempts, lastAttempt)
  const found = { hold: null, nextAttemptAt: null, routedBy: null }
  if (delivery.lane?.isHead === true && delivery.lane.claimed) {
    const state = attempts > 0 ? 'retrying' : 'pending'
    return { ...found, state, sentence: `Being sent now (try ${attempts + 1}).` }
  }
  const hold = present === null ? null : holdAt(present.flow, now)
  if (hold !== null) {
    const since = clockTime(hold.since, now)
    return {
      ...found,
      state: 'held',
      hold,
      sentence: `Waiting: ${name} has been held since ${since}, because ${holdReason(hold)}; ${holdEnd(hold, now)}.${failed === '' ? '' : ` Before that ${failed}.`}`,
    }
  }
  if (delivery.lane?.isHead === false) {
    return { ...found, state: 'behind', sentence: explainBehind(lane, head, now) }
  }
  if (delivery.lane?.state === 'parked') {
    return {
      ...found,
      state: 'parked',
      sentence: `Waiting: its lane has been ${parked(lane, now)}. It goes on when somebody resumes the lane or skips this event.`,
    }
  }
  const dueAt = delivery.lane?.dueAt ?? null
  const nextAttemptAt = dueAt === null ? null : Math.max(dueAt, now)
  const next = dueText(dueAt, now)
  if (attempts > 0) {
    return {
      ...found,
      state: 'retrying',
      nextAttemptAt,
      sentence: `Waiting: ${failed}, the next is ${next}.`,
    }
  }
  return {
    ...found,
    state: 'pending',
    nextAttemptAt,
    sentence: `Waiting for its turn: its first try is ${next}.`,
  }
}

function explainBehind(lane: StoredLane | null, head: ListedDelivery | null, now: number): string {
  const other = head?.eventId ?? 'another event'
  const behind = `Waiting behind ${other} in the same lane`
  if (lane === null || head === null) return `${behind}.`
  if (lane.state === 'parked') {
    return `${behind}, which has been ${parked(lane, now)}. It goes on when somebody resumes the lane or skips that event.`
  }
  if (head.lane?.claimed === true) return `${behind}, which is being sent now.`
  if (lane.headAttempts === 0) return `${behind}, which comes first.`
  const next = dueText(lane.dueAt, now)
  return `${behind}, of which ${triesFailed(lane.headAttempts, null)}; its next is ${next}.`
}

/** `parked since 12:00:05Z: refused: answered 400` */
function parked(lane: StoredLane | null, now: number): string {
  const since = lane?.parkedAt == null ? '' : ` since ${clockTime(lane.parkedAt, now)}`
  return `parked${since}${becauseOf(lane?.parkedReason ?? null)}`
}

/** Why there is no delivery, as the settings of that time say it. */
function explainAbsence(place: Place, { event, folded, agentId, now }: ExplainSubject): Finding {
  const { name, present, routedBy, addedAt } = place
  if (!folded) {
    return {
      ...nothing,
      state: 'not_routed_yet',
      sentence: 'Not routed yet: the event is stored, and its turn comes when those before it are folded.',
    }
  }
  if (routedBy === null) {
    const then = place.wasRemoved
      ? `${(present?.origin ?? 'config') === 'config' ? 'was not in the config file' : 'was being removed'} when this event came`
      : 'was made after this event'
    const since = addedAt === null ? '' : ` (${clockTime(addedAt, now)}); a replay sends it`
    return { ...nothing, state: 'not_there_yet', sentence: `Not sent: ${name} ${then}${since}.` }
  }
  const { definition, version, at } = routedBy
  const found = { ...nothing, routedBy: { version, at } }
  const refusal = notRouted(definition, event, agentId)
  if (refusal !== null) {
    const takesNow = present !== null && notRouted(present.definition, event, agentId) === null
    const changed = takesNow
      ? ` Since then ${name} has been changed: it takes such events, and a replay sends it.`
      : ''
    return {
      ...found,
      state: refusal === 'type' ? 'not_subscribed' : 'out_of_scope',
      sentence: `Not sent: ${refusalOf(refusal, name, definition, event, agentId)}.${changed}`,
    }
  }
  // Which agent a call has may come with a later event than the one that was routed.
  if (definition.scope.agents !== null) {
    return {
      ...found,
      state: 'out_of_scope',
      sentence: `Not sent, or no longer on record: ${name} takes ${ofAgents(definition)} only, and when this event was routed the agent of its call may not have been known. A replay sends it.`,
    }
  }
  return {
    ...found,
    state: 'not_kept',
    sentence: `Routed to ${name} and finished; the record of it is older than what is kept.`,
  }
}

function refusalOf(
  refusal: NotRouted,
  name: string,
  definition: DestinationDefinition,
  event: ExplainSubject['event'],
  agentId: string | null,
): string {
  const { events, scope } = definition
  const takes = {
    type: `${orderedList(events ?? [])} only, this is ${event.type}`,
    source: `the source ${orderedList(scope.sources ?? [])} only, this came from ${event.source}`,
    agent: `${ofAgents(definition)} only, this is a call of ${agentId ?? ''}`,
    agent_unknown: `${ofAgents(definition)} only, and the agent of this call is not known`,
  }
  return `${name} takes ${takes[refusal]}`
}

function ofAgents({ scope }: DestinationDefinition): string {
  return `calls of ${orderedList(scope.agents ?? [])}`
}
