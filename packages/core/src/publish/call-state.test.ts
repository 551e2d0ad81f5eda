import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { nextCallState } from './call-state.ts'
import type { CallState } from './started-call.ts'

const types = [
  'call.started',
  'call.answered',
  'transcription.update',
  'tool.executed',
  'call.ended',
  'call.analyzed',
] as const

/** The state after each type, in the order above; null is refused. */
const table: Record<CallState, (CallState | null)[]> = {
  created: ['started', null, null, null, null, null],
  started: [null, 'answered', 'started', 'started', 'ended', 'started'],
  answered: [null, null, 'answered', 'answered', 'ended', 'answered'],
  ended: [null, null, null, null, null, 'ended'],
}

describe('the events of a call', () => {
  for (const [state, row] of Object.entries(table) as [CallState, (CallState | null)[]][]) {
    row.forEach((after, index) => {
      const type = types[index] ?? ''
      test(`${type} in a call that is ${state} ${after === null ? 'is refused' : `makes it ${after}`}`, () => {
        const step = nextCallState(state, type)
        expect(step.ok ? step.state : null).toBe(after)
        if (!step.ok)
          expect(step.reason).toContain(type === 'call.answered' && state === 'ended' ? 'ended' : type)
      })
    })
  }

  test('say each refusal in a sentence of its own', () => {
    const sentences = Object.keys(table).flatMap((state) =>
      types.flatMap((type) => {
        const step = nextCallState(state as CallState, type)
        return step.ok ? [] : [step.reason]
      }),
    )
    expect(sentences).toContain('call.ended was published already, and a call ends once')
    expect(sentences).toContain('call.ended comes before call.started, which is the first event of a call')
    expect(sentences.every((sentence) => sentence.length > 20)).toBe(true)
  })

  test('start once, are answered at most once and end at most once, whatever is asked for', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...types), { maxLength: 30 }), (asked) => {
        let state: CallState = 'created'
        const published: string[] = []
        for (const type of asked) {
          const step = nextCallState(state, type)
          if (!step.ok) continue
          state = step.state
          published.push(type)
        }
        const count = (type: string): number => published.filter((other) => other === type).length
        if (published.length > 0) expect(published[0]).toBe('call.started')
        expect(count('call.started')).toBeLessThanOrEqual(1)
        expect(count('call.answered')).toBeLessThanOrEqual(1)
        expect(count('call.ended')).toBeLessThanOrEqual(1)
        const end = published.indexOf('call.ended')
        if (end !== -1) expect(published.slice(end + 1).every((type) => type === 'call.analyzed')).toBe(true)
      }),
    )
  })
})
