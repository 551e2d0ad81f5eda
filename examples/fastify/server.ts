import { createReceiver, memoryDedupe, Rejected } from '@hookswitch/receiver'
import { fastifyReceiver } from '@hookswitch/receiver/fastify'
import Fastify from 'fastify'
import { z } from 'zod'

// As the agent is set up: a field that it has not got is absent, one that the caller left open is null.
const Outcome = z.object({
  priority: z.enum(['low', 'normal', 'urgent']).nullish(),
  resolved: z.boolean().nullish(),
})

const app = Fastify({ logger: true })

const receiver = createReceiver({
  secrets: process.env['WEBHOOK_SECRET'],
  outcome: Outcome,
  dedupe: memoryDedupe(),
  log: ({ level, ...entry }) => app.log[level](entry, `webhook ${entry.event}`),
  onError: (error, { phase, event }) => app.log.error({ err: error, phase, id: event?.id }),
  on: {
    'call.ended': ({ event, outcome, outcomeIssues }) => {
      // A call without an outcome has no issues: nobody has to look at it.
      if (outcomeIssues.length > 0)
        throw new Rejected(`the outcome misfits in ${outcomeIssues.length} places`)
      // Not `!outcome.resolved`, which is true as well where the agent has no such field.
      const needsSomebody = outcome?.priority === 'urgent' || outcome?.resolved === false
      if (needsSomebody) app.log.warn({ callId: event.callId }, 'call requires attention')
    },
  },
})

await app.register(fastifyReceiver(receiver), { prefix: '/webhook' })
await app.listen({ port: Number(process.env['PORT'] ?? 3000) })
