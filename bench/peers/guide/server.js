// The recipe of the platform's guide for developers, section "Async Processing with Queues", as it stands there, but
// for the ports and for what tells the bench that it is ready. Its worker (`eventQueue.process`) is left out where the
// bench measures how fast events are taken in, since without it the recipe is at its fastest; where deliveries are
// measured it stands in the same process, as in the guide, and what it does with an event is to forward it.
/* oxlint-disable consistent-return, no-async-endpoint-handlers -- the guide's code, as it stands there */
import express from 'express'
import Queue from 'bull'

const app = express()
app.use(express.json())

function verifyToken(req, res, next) {
  const authHeader = req.headers.authorization
  const expectedToken = process.env.WEBHOOK_SECRET
  if (authHeader !== expectedToken) {
    return res.status(401).json({ error: 'Unauthorized' })
  }
  next()
}

const eventQueue = new Queue('call-events', {
  redis: { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) },
})

app.post('/webhook', verifyToken, async (req, res) => {
  const event = req.body
  try {
    await eventQueue.add('process-event', event, {
      attempts: 3,
      backoff: {
        type: 'exponential',
        delay: 2000,
      },
    })
    res.status(200).json({ received: true })
  } catch (error) {
    console.error('Queue error:', error)
    res.status(500).json({ error: 'Failed to queue event' })
  }
})

if (process.env.FORWARD_URL !== undefined) {
  void eventQueue.process('process-event', Number(process.env.WORKER_CONCURRENCY), async (job) => {
    const response = await fetch(process.env.FORWARD_URL, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(job.data),
    })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`The receiver answered ${response.status}`)
  })
}

await eventQueue.isReady()
const server = app.listen(0, '127.0.0.1', () => {
  process.send({ port: server.address().port })
})
// The bench ends its peers; should the bench itself be killed, they end by themselves.
process.on('disconnect', () => process.exit(0))
