import { afterTypedParserCases, bytesAfterParserCase } from './after-parser-cases.ts'
import { matrixIsMissing, titleOf } from './matrix.ts'
import { buildMsMax, startNext, type NextServer } from './next-server.ts'
import { adapterSuite, type SuiteOptions } from './suite.ts'
import { nodeRequestCases } from './wire-cases.ts'

/**
 * One version, built once for both of its routers.
 *
 * @param middleware what this version calls the function that runs before the routes.
 */
export function nextSuite(member: string, middleware: 'middleware' | 'proxy'): void {
  let starting: Promise<NextServer> | undefined
  let users = 2
  const open =
    (prefix: string): SuiteOptions['open'] =>
    async () => {
      const server = await (starting ??= startNext(member, middleware))
      return {
        ...server,
        pathOf: (endpoint) => `${prefix}/${endpoint}`,
        async stop() {
          users -= 1
          if (users === 0) await server.stop()
        },
      }
    }
  const shared = { skip: matrixIsMissing !== null, openMs: 2 * buildMsMax }
  const name = `a ${middleware} that reads the body leaves the bytes`
  adapterSuite(`${titleOf(member)}, App Router`, {
    ...shared,
    open: open(''),
    besides: [bytesAfterParserCase(name, '/behind')],
  })
  adapterSuite(`${titleOf(member)}, Pages API`, {
    ...shared,
    open: open('/api'),
    besides: [
      ...nodeRequestCases,
      ...afterTypedParserCases(/body parser of the Pages API.*bodyParser: false/),
      bytesAfterParserCase(name, '/api/behind'),
    ],
  })
}
