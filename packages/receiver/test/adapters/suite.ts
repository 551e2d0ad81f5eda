import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Harness } from './harness.ts'
import { answerCases } from './answer-cases.ts'
import { wireCases } from './wire-cases.ts'
import { eventCases } from './event-cases.ts'
import { Visitor } from './visitor.ts'

/** One promise of the adapters, shown on a running server. */
export interface AdapterCase {
  /** The rule, and after a dash the reason. */
  name: string
  /** It needs the body to reach the receiver while it is being sent, which a gateway in between may not let it. */
  needsStream?: true
  run(visitor: Visitor): Promise<void>
}

export interface SuiteOptions {
  open: () => Promise<Harness>
  /** False behind a gateway that hands over whole requests. */
  streams?: false
  /** What this framework has besides. */
  besides?: readonly AdapterCase[]
  openMs?: number
  /** Where what it needs is not there; the title says why. */
  skip?: boolean
}

/** So that none goes missing without anybody noticing. */
const casesCount = 35
const withoutStreamCount = 29

/** The same cases for every adapter on every framework, over sockets, with the same answers and handler calls. */
export function adapterSuite(
  name: string,
  { open, streams, besides = [], openMs, skip = false }: SuiteOptions,
): void {
  describe.skipIf(skip)(name, () => {
    let harness: Harness | undefined
    let ran = 0
    const shared = [...answerCases, ...wireCases, ...eventCases].filter(
      ({ needsStream }) => streams !== false || needsStream !== true,
    )

    beforeAll(async () => {
      harness = await open()
    }, openMs)

    beforeEach(() => {
      harness?.forget()
    })

    afterAll(async () => {
      await harness?.stop()
      expect(ran, 'the cases that ran').toBe(
        (streams === false ? withoutStreamCount : casesCount) + besides.length,
      )
    })

    for (const { name: rule, run } of [...shared, ...besides]) {
      test(rule, async () => {
        if (harness === undefined) throw new Error('no server')
        ran += 1
        const visitor = new Visitor(harness)
        try {
          await run(visitor)
        } finally {
          visitor.leave()
        }
      })
    }
  })
}
