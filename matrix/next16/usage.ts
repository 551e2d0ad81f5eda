import type { NextApiHandler } from 'next'
import type { NextRequest } from 'next/server'
import { createReceiver } from '@hookswitch/receiver'
import { nextPages, nextRoute } from '@hookswitch/receiver/next'

const receiver = createReceiver({ secrets: 'secret', on: { '*': () => {} } })

type Route = (request: NextRequest, context: { params: Promise<object> }) => Promise<Response>
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = nextRoute(receiver) satisfies Record<
  string,
  Route
>

export const pages: NextApiHandler = nextPages(receiver)
