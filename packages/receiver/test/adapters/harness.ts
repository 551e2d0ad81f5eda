import type { Receiver } from '@hookswitch/receiver'
import type { Endpoint, Entry } from './app.ts'

/** One framework in one version, with the receivers of `app.ts` mounted on it and listening. */
export interface Harness {
  port: number
  /** Where an endpoint stands. */
  pathOf(endpoint: Endpoint): string
  /** What the receivers have told since `forget`. */
  entries(): Entry[]
  forget(): void
  /** Rejects when there is a complaint of the framework's, as of a promise that nobody handled. */
  stop(): Promise<void>
}

/** What a framework's own few lines make of the receivers: a server that listens. */
export type Mount = (app: Record<Endpoint, Receiver>) => Promise<Mounted>

export interface Mounted {
  port: number
  stop(): Promise<void>
}
