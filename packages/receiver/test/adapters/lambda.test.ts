import { lambdaHandler, type LambdaEvent } from '@hookswitch/receiver/lambda'
import { describe, expect, test } from 'vitest'
import { createApp, endpoints, secret, type Entry } from './app.ts'
import { listen, openInProcess } from './in-process.ts'
import { createGateway, type GatewayKind } from './lambda-gateway.ts'
import { eventOf } from './sample-events.ts'
import { adapterSuite } from './suite.ts'

const kinds: GatewayKind[] = [
  'REST API',
  'HTTP API or function URL',
  'load balancer',
  'load balancer with lists',
]

for (const kind of kinds) {
  adapterSuite(`Lambda behind a ${kind}`, {
    streams: false,
    open: () =>
      openInProcess((receivers) => {
        const handlers = new Map(
          endpoints.map((endpoint) => [`/${endpoint}`, lambdaHandler(receivers[endpoint])]),
        )
        const functionAt = (path: string): ReturnType<typeof lambdaHandler> => {
          const handler = handlers.get(path.replace(/\/$/, ''))
          if (handler === undefined) throw new Error(`no function at ${path}`)
          return handler
        }
        return listen(createGateway(kind, functionAt))
      }),
  })
}

describe('a body that says it is Base64 and is not', () => {
  const event = (authorization: string): LambdaEvent => ({
    httpMethod: 'POST',
    headers: { authorization },
    body: eventOf('call.ended'),
    isBase64Encoded: true,
  })
  const entries: Entry[] = []
  const handler = lambdaHandler(createApp((entry) => entries.push(entry)).webhook)

  test('is 400 as one that cannot be read - a function that throws is tried again for nothing', async () => {
    const { statusCode, body } = await handler(event(secret))
    expect({ statusCode, body: JSON.parse(body) as unknown }).toMatchObject({
      statusCode: 400,
      body: { issues: [{ path: '', message: expect.stringMatching(/^is not UTF-8/) as string }] },
    })
    expect(entries).toMatchObject([{ what: 'log', event: 'rejected' }])
  })

  test('is 401 without the secret, as any other', async () => {
    expect((await handler(event('wrong'))).statusCode).toBe(401)
  })
})
