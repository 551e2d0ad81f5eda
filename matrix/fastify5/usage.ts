import fastify from 'fastify'
import { createReceiver } from '@hookswitch/receiver'
import { fastifyReceiver } from '@hookswitch/receiver/fastify'

const receiver = createReceiver({ secrets: 'secret', on: { '*': () => {} } })

await fastify({ logger: true }).register(fastifyReceiver(receiver), { prefix: '/webhook' })
await fastify({ http2: true }).register(fastifyReceiver(receiver), { prefix: '/webhook' })
