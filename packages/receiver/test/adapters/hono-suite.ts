import type { Server } from 'node:http'
import { expect } from 'vitest'
import type { Receiver } from '@hookswitch/receiver'
import { honoReceiver, type HonoContext } from '@hookswitch/receiver/hono'
import { bytesAfterParserCase, signedEvent } from './after-parser-cases.ts'
import { endpoints, isParsed } from './app.ts'
import type { Mount } from './harness.ts'
import { listen, openInProcess } from './in-process.ts'
import { loadFrom, matrixIsMissing, titleOf } from './matrix.ts'
import { adapterSuite, type AdapterCase } from './suite.ts'

type Context = HonoContext & { req: { json(): Promise<unknown>; text(): Promise<string>; raw: Request } }
type Middleware = (context: Context, next: () => Promise<void>) => Promise<void>

interface HonoApp {
  use(path: string, middleware: Middleware): unknown
  all(path: string, handler: (context: Context) => Promise<Response>): unknown
  route(path: string, app: HonoApp): unknown
  fetch: (request: Request) => Response | Promise<Response>
}

/** One version in a process of its own: its server for Node puts classes of its own in the place of the global ones. */
export function honoSuite(member: string, besides: readonly AdapterCase[]): void {
  const mount: Mount = (receivers) => {
    const { Hono } = loadFrom(member, 'hono') as { Hono: new (options?: { strict: boolean }) => HonoApp }
    const app = new Hono({ strict: false })
    const deep = new Hono({ strict: false })
    deep.all('/webhook', honoReceiver(receivers['deep/er/webhook']))
    app.route('/deep/er', deep)
    const reads =
      (read: (context: Context) => Promise<unknown>): Middleware =>
      async (context, next) => {
        await read(context).catch(() => {})
        await next()
      }
    app.use(
      '/after-text',
      reads(({ req }) => req.text()),
    )
    app.use(
      '/after-clone',
      reads(({ req }) => req.raw.clone().json()),
    )
    app.use(
      '/after-raw',
      reads(({ req }) => req.raw.json()),
    )
    for (const path of ['/after-text', '/after-clone', '/after-raw']) {
      app.all(path, honoReceiver(receivers.signed))
    }
    for (const endpoint of endpoints) {
      if (isParsed(endpoint))
        app.use(
          `/${endpoint}`,
          reads(({ req }) => req.json()),
        )
      app.all(`/${endpoint}`, honoReceiver(receivers[endpoint]))
    }
    return listen(serverOf(member, app.fetch))
  }
  adapterSuite(titleOf(member), {
    skip: matrixIsMissing !== null,
    open: () => openInProcess(mount),
    besides: [
      bytesAfterParserCase('c.req.text() leaves the text', '/after-text'),
      bytesAfterParserCase('a clone that was read leaves the request', '/after-clone'),
      {
        name: 'a request that was read past Hono is 503 with the line to move - nothing is left of it',
        async run(visitor) {
          expect((await visitor.send('/after-raw', await signedEvent())).status).toBe(503)
        },
      },
      ...besides,
    ],
  })
}

/** The server for Node that belongs to this Hono. */
export function serverOf(member: string, fetch: HonoApp['fetch'] | Receiver['fetch']): Server {
  const { createAdaptorServer } = loadFrom(member, '@hono/node-server') as {
    createAdaptorServer: (options: { fetch: typeof fetch }) => Server
  }
  return createAdaptorServer({ fetch })
}
