import { PassThrough } from 'node:stream'
import { createSimulation } from '@hookswitch/sender/simulator'
import { until } from '@hookswitch/testkit'
import { expect, test } from 'vitest'
import type { Host } from '../host.ts'
import { createTerminal } from '../terminal/terminal.ts'
import { showProgress } from './progress.ts'
import { Tally } from './tally.ts'

test('on a terminal the progress is one line that replaces itself, and that goes away', async () => {
  const stderr = Object.assign(new PassThrough().setEncoding('utf8'), { isTTY: true })
  let written = ''
  stderr.on('data', (text: string) => {
    written += text
  })
  const terminal = createTerminal({ stdout: new PassThrough(), stderr } as unknown as Host)
  const simulation = createSimulation({ seed: '1', startAt: Date.UTC(2026, 2, 1), calls: 3, rate: 1 })
  const tally = new Tally()
  for (const call of simulation.calls()) if (call.number < 2) tally.begin(call)
  tally.callsEnded = 1
  tally.retries = 4
  const stop = showProgress(terminal, tally, simulation)
  await until('the progress to be shown', () => Promise.resolve(written !== ''))
  stop()
  const line = '\r\u{1b}[2K1 calls live · 2 of 3 begun · 0 events/s · 0 taken · 4 tried again'
  expect(written.slice(0, line.length)).toBe(line)
  await until('the line to be taken away', () => Promise.resolve(written.endsWith('\r\u{1b}[2K')))
})
