import { fastifyReceiver, type FastifyScope } from '@hookswitch/receiver/fastify'
import { endpoints } from './app.ts'
import type { Mount } from './harness.ts'
import { openInProcess } from './in-process.ts'
import { loadFrom, matrixIsMissing, titleOf } from './matrix.ts'
import { adapterSuite } from './suite.ts'
import { nodeRequestCases } from './wire-cases.ts'

interface FastifyInstance extends FastifyScope {
  register(plugin: ReturnType<typeof fastifyReceiver>, options: { prefix: string }): unknown
  listen(options: { port: number; host: string }): Promise<unknown>
  close(): Promise<void>
  addresses(): { port: number }[]
}

for (const member of ['fastify4', 'fastify5']) {
  const mount: Mount = async (receivers) => {
    const fastify = loadFrom(member, 'fastify') as (options: object) => FastifyInstance
    const app = fastify({ forceCloseConnections: true })
    for (const endpoint of endpoints) {
      app.register(fastifyReceiver(receivers[endpoint]), { prefix: `/${endpoint}` })
    }
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { port: app.addresses()[0]?.port ?? 0, stop: () => app.close() }
  }
  adapterSuite(titleOf(member), {
    skip: matrixIsMissing !== null,
    open: () => openInProcess(mount),
    besides: nodeRequestCases,
  })
}
