import { createHash } from 'node:crypto'
import type { Accepted, NewEvent, StoredEvent } from '@hookswitch/core'
import type { Chance } from './chance.ts'
import type { TrialNode } from './node.ts'
import type { Schedule } from './schedule.ts'
import type { Trace } from './trace.ts'

/** One thing that a sender has to say. */
interface Message {
  /** What makes it that message: the same is sent again, with other bytes it is another. */
  content: string
  event: Omit<NewEvent, 'id' | 'receivedAt'>
  /** The ids that it was acknowledged with. */
  acknowledged: Set<string>
}

export interface SendersOptions {
  schedule: Schedule
  trace: Trace
  chance: Chance
  /** One of the nodes, as a balancer would give it. */
  node: () => TrialNode | null
  calls: number
  eventsPerCallMax: number
  /** All calls begin within this. */
  withinMs: number
  /** The share that is sent once more though it was acknowledged. */
  duplicates: number
}

/** A sender waits this long for an answer, and sends again until it has one. */
const answerMs = 5_000
const againMsMin = 100
const againMsMax = 2_000

const types = ['call.started', 'call.answered', 'transcription.update', 'tool.executed', 'call.ended']
const agents = ['agent-1', 'agent-2']
/** So few that calls share them, and with them a lane. */
const numbers = ['+15550001', '+15550002', '+15550003']
const sources = ['hamsa', 'other']

/** Those who send: each call's events one after the other, again until they are acknowledged, and sometimes twice. */
export class Senders {
  /** Messages that are not acknowledged yet, and those to come. */
  waiting = 0
  readonly messages = new Map<string, Message>()
  readonly #options: SendersOptions
  #ids = 0

  constructor(options: SendersOptions) {
    this.#options = options
  }

  start(): void {
    const { calls, withinMs, schedule, chance } = this.#options
    for (let number = 1; number <= calls; number += 1) {
      const messages = this.#call(`call-${number}`, chance.of(`call ${number}`))
      this.waiting += messages.length
      schedule.after(chance.between(0, withinMs), () => void this.#send(messages))
    }
  }

  /** P1 and P2, at the end: what was acknowledged is there, once, byte for byte. */
  check(log: readonly StoredEvent[]): void {
    const { trace } = this.#options
    const stored = new Map<string, StoredEvent[]>()
    for (const event of log) {
      const content = contentOf(event)
      stored.set(content, [...(stored.get(content) ?? []), event])
    }
    for (const { content, acknowledged } of this.messages.values()) {
      const rows = stored.get(content) ?? []
      stored.delete(content)
      const [id] = acknowledged
      if (rows.length > 1) trace.broken('P2', `one event is stored ${rows.length} times`)
      if (acknowledged.size > 1)
        trace.broken('P2', `one event was acknowledged as ${[...acknowledged].join(' and ')}`)
      if (id !== undefined && rows[0]?.id !== id)
        trace.broken('P1', `${id} was acknowledged and is not there`)
    }
    if (stored.size > 0) trace.broken('P1', 'there is an event that nobody has sent')
  }

  #call(callId: string, chance: Chance): Message[] {
    const { eventsPerCallMax, schedule } = this.#options
    const source = chance.pick(sources)
    const facts = {
      agentId: chance.happens(0.8) ? chance.pick(agents) : undefined,
      fromNumber: chance.happens(0.8) ? chance.pick(numbers) : undefined,
    }
    const messages: Message[] = []
    for (let number = 1; number <= chance.between(1, eventsPerCallMax); number += 1) {
      const type = number === 1 ? 'call.started' : chance.pick(types)
      // Some senders give two events one time: same key, other content.
      const occurredAt = schedule.now + (chance.happens(0.1) ? 1 : number) * 1_000
      const value = {
        eventType: type,
        callId,
        timestamp: new Date(occurredAt).toISOString(),
        ...(chance.happens(0.7) ? { agentId: facts.agentId } : {}),
        data: {
          number,
          ...(chance.happens(0.7) ? { direction: 'inbound', fromNumber: facts.fromNumber } : {}),
        },
      }
      const body = Buffer.from(JSON.stringify(value))
      const event = {
        source,
        callId,
        type,
        dialect: 'v1' as const,
        occurredAt,
        content: createHash('sha256').update(body).digest().subarray(0, 16),
        body,
      }
      const message = { content: contentOf(event), event, acknowledged: new Set<string>() }
      this.messages.set(message.content, message)
      messages.push(message)
    }
    return messages
  }

  async #send(messages: readonly Message[]): Promise<void> {
    const { schedule, chance, trace, duplicates } = this.#options
    for (const message of messages) {
      let againMs = againMsMin
      while (!(await this.#try(message))) {
        trace.count('sent again')
        await schedule.wait(againMs)
        againMs = Math.min(againMs * 2, againMsMax)
      }
      this.waiting -= 1
      if (chance.happens(duplicates)) schedule.after(chance.between(0, 3_000), () => void this.#try(message))
      await schedule.wait(chance.happens(0.3) ? 0 : chance.between(1, 2_000))
    }
  }

  /** One request; whether it was acknowledged. */
  #try(message: Message): Promise<boolean> {
    const { schedule, chance } = this.#options
    const node = this.#options.node()
    if (node === null) return Promise.resolve(false)
    return new Promise((resolve) => {
      schedule.after(answerMs, () => resolve(false))
      schedule.after(chance.between(0, 5), () => {
        node.accept(this.#received(message), (accepted) => {
          schedule.after(chance.between(0, 5), () => {
            // An answer that comes too late is one all the same.
            resolve(this.#answered(message, accepted, node.name))
          })
        })
      })
    })
  }

  #answered(message: Message, accepted: Accepted, node: string): boolean {
    const { trace } = this.#options
    if (!accepted.ok) return false
    const { id, seq, duplicate, collision } = accepted.appended
    trace.note(node, `answers ${id} (${message.event.callId} ${message.event.type}): seq ${seq}`)
    trace.count(duplicate ? 'duplicates' : 'accepted')
    if (collision) trace.count('collisions')
    message.acknowledged.add(id)
    return true
  }

  #received({ event }: Message): NewEvent {
    const { schedule } = this.#options
    this.#ids += 1
    return {
      ...event,
      body: new Uint8Array(event.body),
      id: `evt_${String(schedule.now)}${String(this.#ids).padStart(16, '0')}`,
      receivedAt: schedule.now,
    }
  }
}

function contentOf({ callId, type, body }: Pick<NewEvent, 'callId' | 'type' | 'body'>): string {
  return `${callId} ${type} ${Buffer.from(body).toString('latin1')}`
}
