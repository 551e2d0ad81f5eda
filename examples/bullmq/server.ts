import { expressReceiver } from '@hookswitch/receiver/express'
import express from 'express'
import { queue, receiver } from './receiver.ts'

await queue.waitUntilReady()
const app = express()
app.post('/webhook', expressReceiver(receiver))
app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1')
