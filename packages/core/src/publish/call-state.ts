import type { CallState } from './started-call.ts'

export type CallStep = { ok: true; state: CallState } | { ok: false; reason: string }

/**
 * Whether an event may be published in a call, and the state after it. Pure. This is the whole table:
 *
 * | state | `call.started` | `call.answered` | `transcription.update`, `tool.executed` | `call.ended` | another type |
 * |---|---|---|---|---|---|
 * | `created` | `started` | refused | refused | refused | refused |
 * | `started` | refused | `answered` | stays | `ended` | stays |
 * | `answered` | refused | refused | stays | `ended` | stays |
 * | `ended` | refused | refused | refused | refused | stays |
 *
 * A call that nobody answers ends without having been answered; what was said before the answer (a greeting, a
 * machine) may be transcribed. After the end only types of one's own may follow, such as an analysis that takes time.
 */
export function nextCallState(state: CallState, eventType: string): CallStep {
  if (state === 'created') {
    return eventType === 'call.started'
      ? { ok: true, state: 'started' }
      : refused(`${eventType} comes before call.started, which is the first event of a call`)
  }
  switch (eventType) {
    case 'call.started':
      return refused('call.started was published already, and a call starts once')
    case 'call.answered':
      if (state === 'started') return { ok: true, state: 'answered' }
      return refused(
        state === 'ended'
          ? 'the call has ended, and is not answered after that'
          : 'call.answered was published already, and a call is answered once',
      )
    case 'call.ended':
      return state === 'ended'
        ? refused('call.ended was published already, and a call ends once')
        : { ok: true, state: 'ended' }
    case 'transcription.update':
    case 'tool.executed':
      return state === 'ended'
        ? refused(`the call has ended, and ${eventType} cannot follow`)
        : { ok: true, state }
    default:
      return { ok: true, state }
  }
}

function refused(reason: string): CallStep {
  return { ok: false, reason }
}
