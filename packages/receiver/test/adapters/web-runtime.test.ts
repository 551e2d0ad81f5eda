import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Entry } from './app.ts'
import { serverOf } from './hono-suite.ts'
import { listen } from './in-process.ts'
import { matrixFolder, matrixIsMissing, titleOf } from './matrix.ts'
import { adapterSuite } from './suite.ts'
import { openInWebRuntime } from './web-runtime.ts'

/** The module of each adapter as it would be deployed, but for what it records. */
const modules = {
  '/fetch': `
    import { fetchReceiver } from '@hookswitch/receiver/fetch'
    import { createApp, endpoints } from './app.ts'
    export function open(record) {
      const app = createApp(record)
      const modules = new Map(endpoints.map((endpoint) => [endpoint, fetchReceiver(app[endpoint])]))
      return (path, request) => modules.get(path).fetch(request)
    }`,
  '/hono': `
    import { Hono } from 'hono'
    import { honoReceiver } from '@hookswitch/receiver/hono'
    import { createApp, endpoints } from './app.ts'
    export function open(record) {
      const receivers = createApp(record)
      const app = new Hono({ strict: false })
      for (const endpoint of endpoints) app.all('/' + endpoint, honoReceiver(receivers[endpoint]))
      return async (path, request) => app.fetch(request)
    }`,
  '/next': `
    import { nextRoute } from '@hookswitch/receiver/next'
    import { createApp, endpoints } from './app.ts'
    export function open(record) {
      const app = createApp(record)
      const routes = new Map(endpoints.map((endpoint) => [endpoint, nextRoute(app[endpoint])]))
      return (path, request) => routes.get(path)[request.method](request)
    }`,
}

for (const [name, module] of Object.entries(modules)) {
  adapterSuite(`${name} with the globals of the web alone, served by ${titleOf('hono4')}`, {
    skip: matrixIsMissing !== null,
    async open() {
      let entries: Entry[] = []
      const hono = createRequire(join(matrixFolder, 'hono4', 'package.json')).resolve('hono')
      const ask = await openInWebRuntime(module, { hono }, (entry) =>
        entries.push(JSON.parse(JSON.stringify(entry)) as Entry),
      )
      const fetch = (request: Request): Promise<Response> => {
        const endpoint = /^\/([\w/-]*\w)/.exec(new URL(request.url).pathname)?.[1] ?? ''
        return ask(endpoint, request)
      }
      const { port, stop } = await listen(serverOf('hono4', fetch))
      return {
        port,
        stop,
        pathOf: (endpoint) => `/${endpoint}`,
        entries: () => entries,
        forget: () => {
          entries = []
        },
      }
    },
  })
}
