import { fetchReceiver } from '@hookswitch/receiver/fetch'
import { endpoints } from './app.ts'
import type { Mount } from './harness.ts'
import { serverOf } from './hono-suite.ts'
import { listen, openInProcess } from './in-process.ts'
import { matrixIsMissing, titleOf } from './matrix.ts'
import { adapterSuite } from './suite.ts'

const mount: Mount = (receivers) => {
  const modules = new Map(
    endpoints.map((endpoint) => [endpoint as string, fetchReceiver(receivers[endpoint])]),
  )
  const fetch = async (request: Request): Promise<Response> => {
    const endpoint = /^\/([\w/-]*\w)/.exec(new URL(request.url).pathname)?.[1] ?? ''
    return (await modules.get(endpoint)?.fetch(request)) ?? new Response(null, { status: 404 })
  }
  return listen(serverOf('hono4', fetch))
}

adapterSuite(`fetch, served by ${titleOf('hono4')}`, {
  skip: matrixIsMissing !== null,
  open: () => openInProcess(mount),
})
