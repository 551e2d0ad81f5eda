import {
  callLimits,
  type CallChange,
  type CallHead,
  type CallPart,
  type CallPartKind,
  type CallStatus,
  type PartPlace,
  type Said,
} from '../call.ts'
import { knownEventTypes, type Envelope, type EventFacts, type Turn } from '../event.ts'
import { outcomeText } from './outcome-text.ts'
import { charactersOf, cumulativeTurnsMin, eachBeginning, isLarger } from './turn-list.ts'

/** An event with its place in the log, when it came, and what it says. */
export interface FoldedEvent {
  seq: number
  /** Unix milliseconds. */
  receivedAt: number
  source: string
  envelope: Envelope
  facts: EventFacts
}

const statusRank: Record<CallStatus, number> = { started: 0, answered: 1, ended: 2 }

const known: ReadonlySet<string> = new Set(knownEventTypes)

/**
 * Folds new events of one call into its head. Pure: the same events give the same record in any order and any
 * slices, as long as their times differ (equal times go by `seq`), and each event is folded once. It costs in
 * proportion to the new events, however long the call is.
 *
 * @param head what an earlier fold returned, or null for the first events of a call.
 * @throws RangeError for no head and no events: there is no call then.
 */
export function foldCall(head: CallHead | null, events: readonly FoldedEvent[]): CallChange {
  const first = events[0]
  if (head === null && first === undefined)
    throw new RangeError('a call without a head needs at least one event')
  const fold = new Fold(head === null ? emptyHead(first as FoldedEvent) : { ...head })
  for (const event of events) fold.add(event)
  return fold.change()
}

function emptyHead(first: FoldedEvent): CallHead {
  return {
    callId: first.envelope.callId,
    status: 'started',
    sources: [],
    agentId: null,
    agentName: null,
    projectId: null,
    conversationId: null,
    direction: null,
    channel: null,
    userNumber: null,
    agentNumber: null,
    recordingUrl: null,
    durationSeconds: null,
    ringSeconds: null,
    startedEventAt: null,
    answeredEventAt: null,
    endedEventAt: null,
    startedReportedAt: null,
    answeredReportedAt: null,
    endedReportedAt: null,
    eventCount: 0,
    firstEventAt: Infinity,
    lastEventAt: -Infinity,
    outcome: null,
    params: null,
    final: null,
    cumulative: null,
    liveTurns: 0,
    liveCharacters: 0,
    otherCharacters: 0,
    truncated: false,
  }
}

class Fold {
  readonly #head: CallHead
  readonly #put = new Map<string, CallPart>()
  readonly #drop = new Map<string, { kind: CallPartKind; seq: number }>()

  /** Takes over `head` as its own; what hangs below it is replaced, never changed. */
  constructor(head: CallHead) {
    this.#head = head
  }

  change(): CallChange {
    const change: CallChange = {
      head: this.#head,
      put: [...this.#put.values()],
      drop: [...this.#drop.values()],
    }
    const outcome = change.put.find((part) => part.kind === 'outcome')
    return outcome === undefined ? change : { ...change, outcomeText: outcomeText(outcome.data) }
  }

  add({ seq, receivedAt, source, envelope, facts }: FoldedEvent): void {
    const head = this.#head
    const at = envelope.occurredAt ?? receivedAt
    head.eventCount += 1
    head.firstEventAt = Math.min(head.firstEventAt, at)
    head.lastEventAt = Math.max(head.lastEventAt, at)
    if (!head.sources.includes(source)) head.sources = [...head.sources, source].sort()
    if (!known.has(envelope.type)) return
    this.#addStatus(envelope)
    this.#addScalars(facts, at, seq)
    if (facts.params !== null) this.#addLatest({ kind: 'params', at, seq, data: facts.params })
    if (facts.outcome !== null) this.#addLatest({ kind: 'outcome', at, seq, data: facts.outcome })
    if (facts.tool !== null) this.#addTool({ kind: 'tool', at, seq, data: facts.tool })
    if (facts.transcript === null || facts.transcript.turns.length === 0) return
    if (envelope.type === 'call.ended') this.#addFinal(facts.transcript.turns, at, seq)
    else this.#addLive({ kind: 'live', at, seq, data: facts.transcript })
  }

  #addStatus({ type, occurredAt }: Envelope): void {
    const head = this.#head
    if (type === 'call.started') head.startedEventAt = earlier(head.startedEventAt, occurredAt)
    if (type === 'call.answered') head.answeredEventAt = earlier(head.answeredEventAt, occurredAt)
    if (type === 'call.ended') head.endedEventAt = earlier(head.endedEventAt, occurredAt)
    const status = type === 'call.ended' ? 'ended' : type === 'call.answered' ? 'answered' : 'started'
    if (statusRank[status] > statusRank[head.status]) head.status = status
  }

  #addScalars(facts: EventFacts, at: number, seq: number): void {
    const head = this.#head
    head.agentId = latest(head.agentId, facts.agentId, at, seq)
    head.agentName = latest(head.agentName, facts.agentName, at, seq)
    head.projectId = latest(head.projectId, facts.projectId, at, seq)
    head.conversationId = latest(head.conversationId, facts.conversationId, at, seq)
    head.direction = latest(head.direction, facts.direction, at, seq)
    head.channel = latest(head.channel, facts.channel, at, seq)
    head.userNumber = latest(head.userNumber, facts.userNumber, at, seq)
    head.agentNumber = latest(head.agentNumber, facts.agentNumber, at, seq)
    head.recordingUrl = latest(head.recordingUrl, facts.recordingUrl, at, seq)
    head.durationSeconds = latest(head.durationSeconds, facts.durationSeconds, at, seq)
    head.ringSeconds = latest(head.ringSeconds, facts.ringSeconds, at, seq)
    head.startedReportedAt = latest(head.startedReportedAt, facts.startedAt, at, seq)
    head.answeredReportedAt = latest(head.answeredReportedAt, facts.answeredAt, at, seq)
    head.endedReportedAt = latest(head.endedReportedAt, facts.endedAt, at, seq)
  }

  /** The outcome and the params replace as a whole: a later one is the sender's correction of the earlier. */
  #addLatest(part: CallPart & { kind: 'outcome' | 'params' }): void {
    const head = this.#head
    const kept = head[part.kind]
    if (Object.keys(part.data).length === 0 || (kept !== null && !isLater(part, kept))) return
    const characters = JSON.stringify(part.data).length
    const others = head.otherCharacters - (kept?.characters ?? 0)
    if (others + characters > callLimits.otherCharactersMax) {
      head.truncated = true
      return
    }
    if (kept !== null) this.#dropPart(part.kind, kept.seq)
    this.#putPart(part)
    head[part.kind] = { at: part.at, seq: part.seq, characters }
    head.otherCharacters = others + characters
  }

  #addTool(part: CallPart & { kind: 'tool' }): void {
    const characters = JSON.stringify(part.data).length
    if (this.#head.otherCharacters + characters > callLimits.toolCharactersMax) {
      this.#head.truncated = true
      return
    }
    this.#putPart(part)
    this.#head.otherCharacters += characters
  }

  #addFinal(sent: Turn[], at: number, seq: number): void {
    const head = this.#head
    const turns = withinLimits(sent)
    if (turns.length < sent.length) head.truncated = true
    if (turns.length === 0) return
    const final = { at, seq, turns: turns.length, characters: charactersOf(turns) }
    if (head.final !== null) {
      if (!isLarger(final, head.final)) return
      this.#dropPart('final', head.final.seq)
    }
    this.#putPart({ kind: 'final', at, seq, data: turns })
    head.final = final
  }

  #addLive(part: CallPart & { kind: 'live' }): void {
    const head = this.#head
    const { turns } = part.data
    const list = {
      at: part.at,
      seq: part.seq,
      turns: turns.length,
      characters: charactersOf(turns),
      hash: '',
    }
    const kept = head.cumulative
    let absorbs = false
    if (part.data.form === 'list' && turns.length >= cumulativeTurnsMin) {
      let keyAtKept = ''
      eachBeginning(turns, (length, key) => {
        if (length === kept?.turns) keyAtKept = key
        list.hash = key
      })
      if (kept !== null && keyAtKept === kept.hash) {
        // Of the same length and not larger, it is the kept list once more.
        if (!isLarger(list, kept)) return
        absorbs = true
      }
    }
    const liveTurns = head.liveTurns + list.turns - (absorbs ? (kept?.turns ?? 0) : 0)
    const liveCharacters = head.liveCharacters + list.characters - (absorbs ? (kept?.characters ?? 0) : 0)
    if (liveTurns > callLimits.turnsMax || liveCharacters > callLimits.transcriptCharactersMax) {
      head.truncated = true
      return
    }
    if (absorbs && kept !== null) this.#dropPart('live', kept.seq)
    this.#putPart(part)
    head.liveTurns = liveTurns
    head.liveCharacters = liveCharacters
    if (list.hash !== '' && (kept === null || isLarger(list, kept))) head.cumulative = list
  }

  #putPart(part: CallPart): void {
    this.#put.set(`${part.kind} ${part.seq}`, part)
  }

  /** A part of this same change is taken back; only a stored one has to be dropped. */
  #dropPart(kind: CallPartKind, seq: number): void {
    const key = `${kind} ${seq}`
    if (!this.#put.delete(key)) this.#drop.set(key, { kind, seq })
  }
}

function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other
  return Math.min(one, other)
}

function isLater(one: PartPlace, other: PartPlace): boolean {
  return one.at === other.at ? one.seq > other.seq : one.at > other.at
}

function latest<T>(said: Said<T> | null, value: T | null, at: number, seq: number): Said<T> | null {
  if (value === null || (said !== null && !isLater({ at, seq }, said))) return said
  return { value, at, seq }
}

/** As many turns from the beginning as one record holds. */
function withinLimits(turns: Turn[]): Turn[] {
  let characters = 0
  for (let at = 0; at < turns.length; at += 1) {
    const turn = turns[at]
    if (turn === undefined) break
    characters += turn.speaker.length + turn.text.length
    if (at === callLimits.turnsMax || characters > callLimits.transcriptCharactersMax)
      return turns.slice(0, at)
  }
  return turns
}
