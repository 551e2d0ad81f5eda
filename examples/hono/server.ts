import { serve } from '@hono/node-server'
import { createReceiver, memoryDedupe, outcomeState, transcriptText } from '@hookswitch/receiver'
import { honoReceiver } from '@hookswitch/receiver/hono'
import { Hono } from 'hono'
import * as v from 'valibot'

// Agents write numbers as text: the schema says what your code gets.
const Outcome = v.looseObject({
  expectedSalary: v.nullish(v.pipe(v.unknown(), v.transform(Number), v.finite())),
})

const receiver = createReceiver({
  secrets: process.env['WEBHOOK_SECRET'],
  outcome: Outcome,
  dedupe: memoryDedupe(),
  onError: (error, { phase, event }) => console.error(phase, event?.id, error),
  on: {
    'call.ended': ({ event, outcome }) => {
      const turns = transcriptText(event).split('\n').length
      // value, null (the caller did not say) or absent (the agent does not ask).
      const said = outcomeState(event, 'expectedSalary')
      console.log(`${event.callId}: ${turns} turns, salary is ${said}: ${outcome?.expectedSalary}`)
    },
    '*': ({ event }) => console.log(`${event.callId}: ${event.type}`),
  },
})

const app = new Hono()
app.all('/webhook', honoReceiver(receiver))

// On Bun and Deno: export default app
serve({ fetch: app.fetch, port: Number(process.env['PORT'] ?? 3000), hostname: '127.0.0.1' })
