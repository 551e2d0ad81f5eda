import { Hono } from 'hono'
import { createReceiver } from '@hookswitch/receiver'
import { honoReceiver } from '@hookswitch/receiver/hono'

const receiver = createReceiver({ secrets: 'secret', on: { '*': () => {} } })

new Hono().post('/webhook', honoReceiver(receiver))
new Hono<{ Bindings: { SECRET: string } }>().all('/webhook', honoReceiver(receiver))
