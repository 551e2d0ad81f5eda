import { lambdaHandler } from '@hookswitch/receiver/lambda'
import { endpoints } from './app.ts'
import { listen, openInProcess } from './in-process.ts'
import { createGateway, type GatewayKind } from './lambda-gateway.ts'
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
