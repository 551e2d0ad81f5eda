import { createServer, type RequestListener } from 'node:http'
import { ingestAnswers } from '@hookswitch/events'
import { expressReceiver } from '@hookswitch/receiver/express'
import { nodeListener } from '@hookswitch/receiver/node'
import type { Express, Router, RequestHandler } from 'express'
import { expect } from 'vitest'
import { afterTypedParserCases, bytesAfterParserCase, signedEvent } from './after-parser-cases.ts'
import { endpoints, isParsed } from './app.ts'
import type { Mount } from './harness.ts'
import { listen, openInProcess } from './in-process.ts'
import { loadFrom, matrixIsMissing, titleOf } from './matrix.ts'
import { eventOf } from './sample-events.ts'
import { adapterSuite } from './suite.ts'
import { expectAnswer } from './visitor.ts'
import { nodeRequestCases } from './wire-cases.ts'

interface ExpressModule {
  (): Express
  Router(): Router
  json(options?: { verify(request: unknown, response: unknown, bytes: Buffer): void }): RequestHandler
  raw(options: { type: () => boolean }): RequestHandler
  text(options: { type: () => boolean }): RequestHandler
  urlencoded(options: { extended: boolean }): RequestHandler
}

const type = (): boolean => true

function keepBytes(request: unknown, _response: unknown, bytes: Buffer): void {
  Object.assign(request as object, { rawBody: bytes })
}

for (const member of ['express4', 'express5']) {
  const mount: Mount = (receivers) => {
    const express = loadFrom(member, 'express') as ExpressModule
    const app = express()
    const deep = express.Router()
    app.use('/deep/er', deep)
    deep.all('/webhook', expressReceiver(receivers['deep/er/webhook']))
    for (const endpoint of endpoints) {
      if (isParsed(endpoint)) app.use(`/${endpoint}`, express.json(), express.urlencoded({ extended: false }))
      app.all(`/${endpoint}`, expressReceiver(receivers[endpoint]))
    }
    const signed = expressReceiver(receivers.signed)
    app.post('/raw', express.raw({ type }), signed)
    app.post('/text', express.text({ type }), signed)
    app.post('/kept', express.json({ verify: keepBytes }), signed)
    app.post('/listener', express.json(), nodeListener(receivers.webhook))
    app.post('/listener-signed', express.json(), nodeListener(receivers.signed))
    return listen(createServer(app as RequestListener))
  }
  adapterSuite(titleOf(member), {
    skip: matrixIsMissing !== null,
    open: () => openInProcess(mount),
    besides: [
      ...nodeRequestCases,
      ...afterTypedParserCases(/express\.json\(\).*above app\.use\(express\.json\(\)\)/),
      bytesAfterParserCase('express.raw() leaves the bytes', '/raw'),
      bytesAfterParserCase('express.text() leaves the text', '/text'),
      bytesAfterParserCase('express.json() with a verify that keeps rawBody is as good as none', '/kept'),
      {
        name: 'nodeListener behind express.json() uses what was parsed',
        async run(visitor) {
          const body = eventOf('call.ended', { city: 'عمّان' })
          expect((await visitor.send('/listener', { body })).status).toBe(200)
          expect(visitor.calls().map(({ event }) => event['body'])).toEqual([JSON.parse(body)])
        },
      },
      {
        name: 'nodeListener behind express.json() is 503 where a signature is asked for',
        async run(visitor) {
          expectAnswer(await visitor.send('/listener-signed', await signedEvent()), ingestAnswers.unavailable)
          expect(visitor.reasons()).toEqual(['body_taken'])
        },
      },
    ],
  })
}
