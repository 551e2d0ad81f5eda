import express from 'express'
import { createReceiver } from '@hookswitch/receiver'
import { expressReceiver } from '@hookswitch/receiver/express'

const receiver = createReceiver({ secrets: 'secret', on: { '*': () => {} } })

express().post('/webhook', expressReceiver(receiver))
express().use('/webhook', express.raw(), expressReceiver(receiver))
