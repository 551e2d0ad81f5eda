import { withoutAnswer } from '@hookswitch/core'
import { z } from 'zod'
import type { DestinationKind } from '../kind.ts'
import { nothingToClose } from '../message/post-json.ts'
import { settingsObject } from '../settings-object.ts'

const seconds = 'a number of seconds from 1 to 900'

const settings = settingsObject({
  deadlineSeconds: z.number(seconds).min(1, seconds).max(900, seconds).default(30),
})

type Settings = z.output<typeof settings>

/** A function of the config file. */
export const handlerKind: DestinationKind<Settings> = {
  name: 'handler',
  title: 'Handler',
  help: [
    'Calls a function of your config file with { event, call, outcome, signal, attempt, log }.',
    'The event is delivered when it returns. It has deadlineSeconds for that; pass signal on to whatever it waits for.',
    'Throw Rejected for an event that will never succeed and Retryable for one that is to be tried again later.',
  ].join('\n'),
  settings,
  secrets: [],
  template: null,
  reads: () => 'call',
  check: () => Promise.resolve(null),

  open({ deadlineSeconds }, { name, runHandler }) {
    return {
      async send({ deliveryId, event, call, outcome, attempt }, signal) {
        if (call === null || outcome === null)
          throw new TypeError('a handler is sent the call and its outcome')
        const deadline = new AbortController()
        const timer = setTimeout(() => {
          deadline.abort(new DOMException('the deadline of the handler is over', 'TimeoutError'))
        }, deadlineSeconds * 1_000)
        try {
          const input = { destination: name, deliveryId, event, call, outcome, attempt }
          return await runHandler(input, AbortSignal.any([signal, deadline.signal]))
        } catch (error) {
          if (error !== deadline.signal.reason) throw error
          return withoutAnswer('retry', 'timeout', `the handler did not end within ${deadlineSeconds} s`)
        } finally {
          clearTimeout(timer)
        }
      },
      close: nothingToClose,
    }
  },
}
