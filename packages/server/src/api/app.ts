import type { HttpBindings } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Store } from '@hookswitch/core'
import type { AgentViews } from '../config/agent-views.ts'
import type { ResolvedSource } from '../config/resolve-config.ts'
import type { Logger } from '../observe/log.ts'
import type { Keyring } from '../secrets/keyring.ts'
import type { EventStream } from '../stream/event-stream.ts'

/** The application that the routes are added to; it runs on node:http. */
export type ApiApp = OpenAPIHono<{ Bindings: HttpBindings }>

/** What the routes work on. */
export interface ApiOptions {
  store: Pick<Store, 'getCall' | 'listCalls' | 'listEvents' | 'getEvent'>
  keyring: Pick<Keyring, 'list' | 'refresh' | 'add' | 'endOthers' | 'remove'>
  /** The sources that exist. */
  sources: ReadonlyMap<string, Pick<ResolvedSource, 'name'>>
  /** Whether an Authorization header shows the admin token. */
  isAdmin: (authorization: string | undefined) => boolean
  agentViews: AgentViews
  /** Unix milliseconds. */
  clock: () => number
  stream: Pick<EventStream, 'serve'>
  log: Pick<Logger, 'error'>
}
