import { connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between a store and its server, so that a test can do to the connection what networks do. */
export interface Proxy {
  /** The URL of the database, through the proxy. */
  readonly url: string
  /** From now on the server hears everything and nobody hears the server. New connections hang as well. */
  holdAnswers(): void
  /** Breaks all connections; what was held back is lost. */
  cut(): void
  /** Lets everything pass again. Connections that were cut stay so. */
  resume(): void
  stop(): Promise<void>
}

/** Starts a proxy on a free port of the loopback address, in front of the server that the URL names. */
export async function startProxy(url: string): Promise<Proxy> {
  const target = new URL(url)
  const pairs = new Set<{ client: Socket; server: Socket }>()
  let holding = false
  const proxy = createServer((client) => {
    const server = connect(Number(target.port === '' ? 5432 : target.port), target.hostname)
    const pair = { client, server }
    pairs.add(pair)
    client.pipe(server)
    server.on('data', (chunk) => {
      client.write(chunk)
    })
    if (holding) server.pause()
    const end = (): void => {
      pairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) socket.on('error', end).on('close', end)
  })
  const port = await listen(proxy)
  const through = new URL(url)
  through.hostname = '127.0.0.1'
  through.port = String(port)
  const cut = (): void => {
    for (const { client, server } of pairs) {
      client.destroy()
      server.destroy()
    }
  }
  return {
    url: through.href,
    holdAnswers() {
      holding = true
      for (const { server } of pairs) server.pause()
    },
    cut,
    resume() {
      holding = false
      for (const { server } of pairs) server.resume()
    },
    stop() {
      cut()
      return new Promise((resolve) => proxy.close(() => resolve()))
    },
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
}
