import type { AddressInfo } from 'node:net'
import type { Express } from 'express'

/** Lets the app listen and tells the bench where. */
export function start(app: Express): void {
  const server = app.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as AddressInfo).port })
  })
  // The bench ends its peers; should the bench itself be killed, they end by themselves. A profile is written at the exit.
  for (const end of ['disconnect', 'SIGTERM'] as const) process.once(end, () => process.exit(0))
}
