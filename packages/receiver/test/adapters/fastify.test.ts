import type { IncomingMessage } from 'node:http'
import type { Receiver } from '@hookswitch/receiver'
import { fastifyReceiver, type FastifyScope } from '@hookswitch/receiver/fastify'
import { afterParserCases, bytesAfterParserCase, nothingLeftCase, readByHand } from './after-parser-cases.ts'
import { endpoints, isParsed } from './app.ts'
import type { Mount } from './harness.ts'
import { openInProcess } from './in-process.ts'
import { loadFrom, matrixIsMissing, titleOf } from './matrix.ts'
import { adapterSuite } from './suite.ts'
import { nodeRequestCases } from './wire-cases.ts'

type ReadHook = (request: { raw: IncomingMessage }) => Promise<void>

interface FastifyInstance extends FastifyScope {
  register(plugin: ReturnType<typeof fastifyReceiver>, options: { prefix: string }): unknown
  register(plugin: (scope: FastifyInstance) => Promise<void>): unknown
  addHook(name: 'onRequest', hook: ReadHook): unknown
  listen(options: { port: number; host: string }): Promise<unknown>
  close(): Promise<void>
  addresses(): { port: number }[]
}

/** What is said where the bytes are needed and gone. */
const advice = /^an onRequest hook that reads the body ran before the webhook: .*fastifyReceiver\(receiver\)/

for (const member of ['fastify4', 'fastify5']) {
  const mount: Mount = async (receivers) => {
    const fastify = loadFrom(member, 'fastify') as (options: object) => FastifyInstance
    const app = fastify({ forceCloseConnections: true })
    /** Behind a hook that reads the body, and keeps that much of it. */
    const behind = (keep: (body: Buffer) => object, receiver: Receiver, prefix: string): void => {
      app.register(async (scope) => {
        scope.addHook('onRequest', async ({ raw }) => {
          Object.assign(raw, keep(await readByHand(raw)))
        })
        scope.register(fastifyReceiver(receiver), { prefix })
      })
    }
    const parsed = (body: Buffer): object => ({ body: JSON.parse(body.toString()) as unknown })
    for (const endpoint of endpoints) {
      const prefix = `/${endpoint}`
      if (isParsed(endpoint)) behind(parsed, receivers[endpoint], prefix)
      else app.register(fastifyReceiver(receivers[endpoint]), { prefix })
    }
    behind(() => ({}), receivers.webhook, '/taken')
    behind((rawBody) => ({ rawBody }), receivers.signed, '/kept')
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { port: app.addresses()[0]?.port ?? 0, stop: () => app.close() }
  }
  adapterSuite(titleOf(member), {
    skip: matrixIsMissing !== null,
    open: () => openInProcess(mount),
    besides: [
      ...nodeRequestCases,
      ...afterParserCases(advice),
      nothingLeftCase('/taken', advice),
      bytesAfterParserCase('a hook that has read the body may keep its bytes as rawBody', '/kept'),
    ],
  })
}
