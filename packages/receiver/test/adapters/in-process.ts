import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApp, type Entry } from './app.ts'
import type { Harness, Mount, Mounted } from './harness.ts'

/** A framework that runs in the process of the test. */
export async function openInProcess(mount: Mount): Promise<Harness> {
  let entries: Entry[] = []
  // What is kept must not change later.
  const app = createApp((entry) => entries.push(JSON.parse(JSON.stringify(entry)) as Entry))
  const { port, stop } = await mount(app)
  return {
    port,
    pathOf: (endpoint) => `/${endpoint}`,
    entries: () => entries,
    forget: () => {
      entries = []
    },
    stop,
  }
}

/** On a free port. */
export async function listen(server: Server): Promise<Mounted> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
