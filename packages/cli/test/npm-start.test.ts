import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { allEvents, post, until } from '@hookswitch/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { guideSample } from './guide-sample.ts'
import { endPrograms, startProgram, type Program } from './program.ts'

const repository = join(import.meta.dirname, '../../..')

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookswitch-npm-start-'))
})

afterEach(() => {
  endPrograms()
  rmSync(folder, { recursive: true, force: true })
})

function npmStart(): Promise<Program> {
  return startProgram(['npm', 'start'], repository, join(folder, 'data'))
}

async function listens({ url }: Program): Promise<boolean> {
  try {
    await fetch(`${url}/healthz`)
    return true
  } catch {
    return false
  }
}

const endings: { how: string; reason: string; end: (program: Program) => void }[] = [
  {
    how: 'SIGTERM to npm alone',
    reason: 'a supervisor knows no other process',
    end: (program) => program.signal('SIGTERM'),
  },
  {
    how: 'SIGTERM to the whole group',
    reason: 'npm passes it on, so that the server gets it twice',
    end: (program) => program.signalGroup('SIGTERM'),
  },
  {
    how: 'Ctrl-C twice',
    reason: 'an impatient hand must not cut the drain short',
    end: (program) => {
      program.signalGroup('SIGINT')
      program.signalGroup('SIGINT')
    },
  },
]

// Windows has no process groups and no signals that a program could answer.
describe.skipIf(process.platform === 'win32')('npm start', () => {
  test.for(endings)('ends with exit code 0 on $how and leaves nothing running - $reason', async ({ end }) => {
    const first = await npmStart()
    const answer = await post(first, guideSample)
    expect(answer).toMatchObject({ status: 200, body: { received: true } })

    end(first)
    expect(await first.ended()).toBe(0)
    await until('the last process of the group to end', () => Promise.resolve(!first.isRunning()))
    expect(await listens(first)).toBe(false)

    const second = await npmStart()
    expect(second.secret).toBe(first.secret)
    const events = await allEvents(second)
    expect(events.map(({ id }) => id)).toEqual([answer.body['id']])
    second.signal('SIGTERM')
    expect(await second.ended()).toBe(0)
  })
})

test('a stop is clean however often it is asked for - npm passes signals on when it gets round to it', async () => {
  const bin = join(repository, 'packages/cli/bin/hookswitch.js')
  const command = [process.execPath, '--conditions=hookswitch-source', bin, 'serve']
  const program = await startProgram(command, repository, join(folder, 'data'))
  // A signal two seconds after the first would be a second one.
  const repeatsUntil = performance.now() + 1_000
  const repeat = (): void => {
    if (performance.now() < repeatsUntil && program.signal('SIGINT')) setImmediate(repeat)
  }
  repeat()
  expect(await program.ended()).toBe(0)
})
