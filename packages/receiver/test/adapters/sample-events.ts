import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createSimulation, readFaults } from '@hookswitch/sender/simulator'
import { nowMs, secret } from './app.ts'
import type { Sending } from './direct.ts'

/** One event as the platform documents it, of a type that the receivers act upon. */
export function eventOf(type: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    eventType: type,
    callId: 'call-1',
    timestamp: new Date(nowMs).toISOString(),
    data: { timestamp: new Date(nowMs).toISOString(), data: { conversationId: 'conversation-1', ...more } },
  })
}

const fixtures = join(import.meta.dirname, '../../../events/fixtures')

/** The bodies that the reading of events is held to, accepted and refused. */
export function fixtureSendings(): Sending[] {
  return globSync('*/*.json', { cwd: fixtures })
    .sort()
    .map((path) => ({
      authorization: secret,
      body: readFileSync(join(fixtures, path)),
    }))
}

/** What a platform sends of a few calls in both dialects, with repeats, wrong secrets and other faults. */
export function simulatedSendings(): Sending[] {
  const faults = 'all,huge-transcript=0,duplicate=0.2,concurrent-duplicate=0.2,wrong-token=0.1'
  const simulation = createSimulation({
    seed: '11',
    startAt: nowMs,
    calls: 4,
    rate: 20,
    dialect: 'mixed',
    transcript: 'mixed',
    faults: readFaults(faults),
  })
  return [...simulation.calls()].flatMap(({ events, sends }) =>
    sends.flatMap(({ event, copies, token }) => {
      const told = events[event]
      if (told === undefined) throw new Error(`the call has no event ${event}`)
      const sending = {
        authorization: token === 'right' ? secret : 'Bearer of another',
        body: told.body(),
      }
      return copies === 2 ? [sending, sending] : [sending]
    }),
  )
}
