import { readEnvelope, readFacts, type EventFacts } from '@hookswitch/events'
import type { ApiEvent } from '../api/api-event.ts'
import { formatSeconds } from '../time/duration.ts'

export interface EventHint {
  /** Name or id of the agent, as far as the event names it. */
  agent: string
  /** A few words: the last thing that was said, the tool, how long the call was. */
  what: string
}

/** What an event says, on a part of a line. */
export function eventHint({ body }: ApiEvent): EventHint {
  const reading = readEnvelope(body)
  if (!reading.ok) return { agent: '', what: '' }
  const facts = readFacts(reading.envelope, body)
  return { agent: facts.agentName ?? facts.agentId ?? '', what: wordsOf(reading.envelope.type, facts) }
}

function wordsOf(type: string, facts: EventFacts): string {
  const { transcript, tool, durationSeconds, outcome, direction, ringSeconds } = facts
  switch (type) {
    case 'call.started':
      return direction ?? ''
    case 'call.answered':
      return ringSeconds === null ? '' : `after ${formatSeconds(ringSeconds)}`
    case 'transcription.update': {
      const turn = transcript?.turns.at(-1)
      return turn === undefined ? '' : `${turn.speaker}: ${turn.text}`
    }
    case 'tool.executed': {
      const result = tool?.success === false ? ' failed' : ''
      return tool === null ? '' : tool.name + result
    }
    case 'call.ended': {
      const said = [
        durationSeconds === null ? null : formatSeconds(durationSeconds),
        transcript === null ? null : counted(transcript.turns.length, 'turn'),
        outcome === null ? null : counted(Object.keys(outcome).length, 'outcome field'),
      ]
      return said.filter((part) => part !== null).join(', ')
    }
    default:
      return ''
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
