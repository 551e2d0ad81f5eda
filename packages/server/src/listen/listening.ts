import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Environment } from '../environment.ts'
import { within } from '../within.ts'

/**
 * Begins to listen, and gives the URL under which it does.
 *
 * @throws the error of `listen` (`EADDRINUSE`) as it is.
 */
export async function listen(
  server: Server,
  { port, host, tls }: Pick<Environment, 'port' | 'host' | 'tls'>,
): Promise<string> {
  server.listen(port, host)
  // Rejects with the error, if that comes first.
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `${tls === null ? 'http' : 'https'}://${name}:${address.port}`
}

/**
 * Accepts no more connections, and waits for what is under way, at most `drainMs`; then what is left is cut.
 *
 * @param drained resolves when what was read is written.
 */
export async function drain(server: Server, drained: () => Promise<void>, drainMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  // A connection that is kept alive between two requests is closed when its request ends, not before.
  const idle = setInterval(() => server.closeIdleConnections(), 50)
  try {
    await within(drainMs, closed.then(drained))
  } catch {
    server.closeAllConnections()
  } finally {
    clearInterval(idle)
  }
}
