import { freshFlow, type DestinationFlow, type Hold, type StoredDestination } from '@hookswitch/core'
import { expect, test } from 'vitest'
import { FailingWatch } from './failing-watch.ts'
import { createLog } from './log.ts'

const began = Date.UTC(2026, 2, 1)
const hourMs = 60 * 60_000
const failing: Partial<DestinationFlow> = { failingSince: began, failures: 2, failingDeliveries: 2 }

function destination(flow: Partial<DestinationFlow>, key = 1): StoredDestination {
  return {
    key,
    id: `dst_${key}`,
    origin: 'api',
    version: 1,
    definition: {
      name: `crm-${key}`,
      kind: 'webhook',
      events: null,
      scope: { sources: null, agents: null },
      filter: null,
      template: null,
      lane: 'call',
      onExhausted: 'continue',
      retry: { preset: 'standard' },
      limits: { concurrency: 10, perSecond: null, failingHours: 48 },
      settings: { url: 'https://crm.example/secret-path' },
    },
    sealedSecrets: null,
    flow: { ...freshFlow, ...flow },
    createdAt: began,
    updatedAt: began,
  }
}

/** A watch, and the lines that it has written so far. */
function watching() {
  let text = ''
  const log = createLog({ level: 'warn', write: (lines) => (text += lines) })
  const watch = new FailingWatch(log.logger)
  return {
    check: (hours: number, ...flows: Partial<DestinationFlow>[]) =>
      watch.check(
        flows.map((flow, index) => destination(flow, index + 1)),
        began + hours * hourMs,
      ),
    lines(): Record<string, unknown>[] {
      log.close()
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    },
  }
}

const held = (reason: Hold['reason'], hours: number): Hold => ({
  reason,
  since: began + hours * hourMs,
  until: null,
  detail: null,
})

test('each stage is said once, with the name, the hours and when it will be held - and nothing of its URL', () => {
  const { check, lines } = watching()
  for (let minute = 0; minute < 48 * 60; minute += 1) check(minute / 60, failing)
  const said = lines()
  expect(said.map(({ failingHours }) => failingHours)).toEqual([12, 24, 36])
  expect(said[0]).toMatchObject({
    destination: 'crm-1',
    limitHours: 48,
    holdsAt: '2026-03-03T00:00:00.000Z',
    msg: 'nothing succeeds: it is held as failing if that goes on',
  })
  expect(JSON.stringify(said)).not.toContain('crm.example')
})

test('what is held is said once, and again when it is held anew', () => {
  const { check, lines } = watching()
  check(47, failing)
  for (const hours of [48, 49, 300]) check(hours, { ...failing, hold: held('failing', 48) })
  check(301, {})
  check(360, {
    failingSince: began + 301 * hourMs,
    failures: 2,
    failingDeliveries: 2,
    hold: held('failing', 350),
  })
  const messages = lines().map(({ msg }) => msg)
  expect(messages).toEqual([
    'nothing succeeds: it is held as failing if that goes on',
    'held as failing: its events are kept until somebody resumes it',
    'held as failing: its events are kept until somebody resumes it',
  ])
})

test('after a success the stages begin anew', () => {
  const { check, lines } = watching()
  check(12, failing)
  check(13, {})
  check(30, { failingSince: began + 14 * hourMs, failures: 2, failingDeliveries: 2 })
  expect(lines().map(({ failingHours }) => failingHours)).toEqual([12, 16])
})

test('a pause in between does not repeat a stage', () => {
  const { check, lines } = watching()
  check(12, failing)
  check(13, { ...failing, hold: held('paused', 13) })
  check(14, failing)
  expect(lines()).toHaveLength(1)
})

test('destinations are told apart, and one that is gone is forgotten', () => {
  const { check, lines } = watching()
  check(12, failing, failing, {})
  check(13)
  check(14, failing)
  expect(lines().map((line) => line['destination'])).toEqual(['crm-1', 'crm-2', 'crm-1'])
})
