import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { handler, webhook } from '@hookswitch/destinations/config'
import { expect } from 'vitest'
import type { Answer } from './api-server.ts'
import { startDeliveryServer, type DeliveryServer } from './delivery-server.ts'

/** Every secret of these tests begins so, and is to be found nowhere. */
export const secretsBeginWith = 'secret-of'

/** With a webhook and a handler in its config file. */
export function startConfiguredServer(): Promise<DeliveryServer> {
  return startDeliveryServer([
    webhook({
      name: 'from-config',
      filter: () => true,
      settings: { url: 'https://192.0.2.1/hook', authSecret: 'secret-of-the-config' },
    }),
    handler({ name: 'own-code', run: () => {} }),
  ])
}

export const url = 'http://127.0.0.1:9/hook'

/** What makes the destination `crm`. */
export const crm = {
  name: 'crm',
  kind: 'webhook',
  events: ['call.ended'],
  settings: { url, authKey: 'Bearer', authSecret: 'secret-of-the-crm' },
}

/** Makes `crm`, or what is like it. */
export async function added(
  server: DeliveryServer,
  given: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const { status, body, text } = await server.send('POST', '/destinations', { ...crm, ...given })
  expect(status, text).toBe(201)
  return body
}

/** A receiver that answers with this status while `run` goes on, at the address of the destination `crm`. */
export async function receive(
  server: DeliveryServer,
  status: number,
  run: () => Promise<Answer>,
  onHeaders: (headers: IncomingHttpHeaders) => void = () => {},
): Promise<Answer> {
  const receiver = createServer((request, response) => {
    onHeaders(request.headers)
    request.resume()
    response.writeHead(status).end()
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  try {
    const { port } = receiver.address() as AddressInfo
    const settings = { url: `http://127.0.0.1:${port}/hook` }
    await server.send('PATCH', '/destinations/crm', { settings })
    return await run()
  } finally {
    receiver.closeAllConnections()
    receiver.close()
  }
}

/** The headers that `crm` sends with the settings and secrets that it has now. */
export async function receivedByCrm(server: DeliveryServer): Promise<IncomingHttpHeaders> {
  let received: IncomingHttpHeaders = {}
  const { body } = await receive(
    server,
    200,
    () => server.send('POST', '/destinations/crm/test'),
    (headers) => {
      received = headers
    },
  )
  expect(body['ok']).toBe(true)
  return received
}
