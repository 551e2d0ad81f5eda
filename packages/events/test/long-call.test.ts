import { describe, expect, test } from 'vitest'
import { callLimits, type FoldedEvent } from '../src/index.ts'
import { event, eventOf, StoredCall } from './events-of.ts'

const time = (second: number): string => new Date(Date.UTC(2026, 4, 3, 9) + second * 1000).toISOString()

describe('a long call', () => {
  const deltas = (count: number, from = 0): FoldedEvent[] =>
    Array.from({ length: count }, (_, at) => {
      const body = event(
        'transcription.update',
        { speaker: 'User', text: `turn ${from + at}` },
        time(from + at),
      )
      return eventOf(body, from + at + 1)
    })

  test('20,000 updates cost what they bring — one part each, and a head that does not grow', () => {
    const call = new StoredCall()
    const sizes: number[] = []
    for (let from = 0; from < callLimits.turnsMax; from += 200) {
      const change = call.apply(deltas(200, from))
      expect(change.put).toHaveLength(200)
      expect(change.drop).toEqual([])
      sizes.push(JSON.stringify(change.head).length)
    }
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThan(50)
    const record = call.show()
    expect(record).toMatchObject({ eventCount: 20_000, truncated: false, transcriptSource: 'live' })
    expect(record.transcript).toHaveLength(20_000)
    expect(record.transcript.at(-1)?.text).toBe('turn 19999')
  })

  test('100,000 updates mark the record truncated and keep the first 20,000 turns', () => {
    const call = new StoredCall()
    for (let from = 0; from < 100_000; from += 10_000) call.apply(deltas(10_000, from))
    expect(call.parts.size).toBe(callLimits.turnsMax)
    expect(call.show()).toMatchObject({ eventCount: 100_000, truncated: true })
  })

  test('500 cumulative updates leave one list and the two that were too short to be told apart', () => {
    const said = Array.from({ length: 500 }, (_, at) => ({ [at % 2 === 0 ? 'Agent' : 'User']: `turn ${at}` }))
    const call = new StoredCall()
    said.forEach((_, at) => {
      const transcription = said.slice(0, at + 1)
      const change = call.apply([eventOf(event('transcription.update', { transcription }, time(at)), at + 1)])
      expect(change.put).toHaveLength(1)
      expect(change.drop.length).toBeLessThanOrEqual(1)
    })
    expect(call.parts.size).toBe(3)
    expect(call.head?.liveTurns).toBe(503)
    expect(call.show().transcript).toHaveLength(500)
  })
})
