import { withoutAnswer, type AttemptResult } from '@hookswitch/core'
import type { DestinationKind } from '../kind.ts'
import { judged } from '../message/answer.ts'
import { nothingToClose } from '../message/post-json.ts'
import { settingsObject } from '../settings-object.ts'
import { postEvent, timeoutSecondsDefault } from '../webhook/post-event.ts'

/** The webhooks that single calls were started with, one destination for all of them at a host. */
export const callWebhookKind: DestinationKind<Record<string, never>> = {
  name: 'call-webhook',
  title: 'Webhook of a call',
  help: [
    'Sends the events of a call to the webhook that the call was started with, instead of to that of its agent.',
    "It is there for as long as such calls have events to send, and what it sends with is the call's own.",
  ].join('\n'),
  internal: true,
  settings: settingsObject({}),
  secrets: [],
  template: null,
  reads: () => 'event',
  // Its URLs are the calls', and are looked at when they are started.
  check: () => Promise.resolve(null),

  open(_settings, { egress, overrideOf }) {
    return {
      async send(message, signal) {
        const { callId, type } = message.event
        const target = await overrideOf(callId)
        signal.throwIfAborted()
        if (target === null)
          return withoutAnswer('reject', 'settings', "the call's own webhook is not there any more")
        const { events, ...where } = target
        if (events?.includes(type) === false)
          return withoutAnswer('filtered', null, `the call's own webhook does not take ${type}`)
        return ofTheCall(
          await postEvent(
            { ...where, headers: {}, signingSecrets: [], timeoutSeconds: timeoutSecondsDefault },
            message,
            egress,
            signal,
          ),
        )
      },
      close: nothingToClose,
    }
  },
}

/** A refusal is about the webhook of one call: those of other calls at the same host go on. */
function ofTheCall(result: AttemptResult): AttemptResult {
  const { status } = result
  if (status === 401 || status === 403) {
    return judged(
      result,
      'reject',
      `${status}: the call's own webhook refuses the authorization that the call was started with; have it take that and resume the lane, or skip the event`,
    )
  }
  if (status === 410) {
    return judged(
      result,
      'reject',
      "410: the call's own webhook says that it is gone; bring it back and resume the lane, or skip the event",
    )
  }
  return result
}
