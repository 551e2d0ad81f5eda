import { expect } from 'vitest'
import { sendAsDirect } from './direct.ts'
import { fixtureSendings, simulatedSendings } from './sample-events.ts'
import type { AdapterCase } from './suite.ts'

/** The events themselves, of all kinds: what an adapter adds or takes away would show in one of them. */
export const eventCases: readonly AdapterCase[] = [
  {
    name: 'every fixture of an event gets the answer of the receiver itself, and so does the handler',
    async run(visitor) {
      const { calls, answers } = await sendAsDirect(visitor, 'webhook', fixtureSendings())
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(calls.length)
      expect(calls.length).toBeGreaterThan(20)
    },
  },
  {
    name: 'simulated calls with all their faults are the same through every adapter',
    async run(visitor) {
      const { calls, answers } = await sendAsDirect(visitor, 'once', simulatedSendings())
      const isRepeat = ({ body }: { body: string }): boolean => body.includes('"duplicate":true')
      expect(answers.filter(isRepeat).length).toBeGreaterThan(0)
      expect(answers.filter(({ status }) => status === 401).length).toBeGreaterThan(0)
      expect(calls.length).toBeGreaterThan(10)
    },
  },
]
