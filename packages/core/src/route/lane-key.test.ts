import { describe, expect, test } from 'vitest'
import type { CallHead } from '@hookswitch/events'
import { foldStretch } from '../fold/fold-stretch.ts'
import type { StoredEvent } from '../store/store.ts'
import { laneKey, lanePathProblem, type LaneSubject } from './lane-key.ts'

function subject(body: unknown, wanted: Partial<StoredEvent> = {}): LaneSubject {
  const event: StoredEvent = {
    seq: 1,
    id: 'evt_1',
    source: 'hamsa',
    callId: 'a',
    type: 'call.ended',
    dialect: 'v1',
    occurredAt: null,
    receivedAt: 1_700_000_000_000,
    issues: [],
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    ...wanted,
  }
  return { event, head: headOf(event) }
}

/** What the fold makes of one event. */
function headOf(event: StoredEvent): CallHead | null {
  const { calls } = foldStretch({
    foldedSeq: 0,
    events: [event],
    heads: new Map(),
    destinations: [],
    routing: 0,
  })
  return calls[0]?.head ?? null
}

describe('the lane of an event', () => {
  test('is its call, all, or its own', () => {
    const one = subject({})
    expect(laneKey('call', one)).toBe('call:a')
    expect(laneKey('destination', one)).toBe(laneKey('destination', subject({}, { callId: 'b' })))
    expect(laneKey('none', one)).not.toBe(laneKey('none', subject({}, { id: 'evt_2' })))
  })

  test('is named by a value of the event', () => {
    const one = subject({ eventType: 'x', data: { who: 'ann', n: 7, no: false } })
    expect(laneKey({ path: 'event.type' }, one)).toBe('key:call.ended')
    expect(laneKey({ path: 'event.source' }, one)).toBe('key:hamsa')
    expect(laneKey({ path: 'event.body.data.who' }, one)).toBe('key:ann')
    expect(laneKey({ path: 'event.body.data.n' }, one)).toBe('key:7')
    expect(laneKey({ path: 'event.body.data.no' }, one)).toBe('key:false')
  })

  test('is named by a value of the call', () => {
    const one = subject({ eventType: 'call.ended', callId: 'a', data: { agentId: 'agent-1' } })
    expect(laneKey({ path: 'call.agentId' }, one)).toBe('key:agent-1')
  })

  test('is the call where the path leads to nothing, or to no one value', () => {
    const one = subject({
      list: ['x'],
      object: { a: 1 },
      nothing: null,
      empty: '',
      spaces: '  \t ',
      nul: '\0',
    })
    for (const path of ['none', 'list', 'object', 'nothing', 'empty', 'spaces', 'nul', 'object.b.c']) {
      expect(laneKey({ path: `event.body.${path}` }, one), path).toBe('call:a')
    }
    expect(laneKey({ path: 'call.userNumber' }, one)).toBe('call:a')
    expect(laneKey({ path: 'call.userNumber' }, { ...one, head: null })).toBe('call:a')
    expect(laneKey({ path: 'elsewhere.x' }, one)).toBe('call:a')
  })

  test('is the call where the body cannot be read', () => {
    expect(laneKey({ path: 'event.body.x' }, subject('this was never JSON'))).toBe('call:a')
    expect(laneKey({ path: 'event.body.x' }, subject(`${'['.repeat(100)}${']'.repeat(100)}`))).toBe('call:a')
  })

  test('sees only what the body itself has - not what every object has', () => {
    const one = subject('{"a":{}}')
    for (const path of ['constructor.name', 'a.__proto__', 'toString', 'a.constructor.name', '__proto__.x']) {
      expect(laneKey({ path: `event.body.${path}` }, one), path).toBe('call:a')
    }
    expect(laneKey({ path: 'event.body.__proto__' }, subject('{"__proto__":"own"}'))).toBe('key:own')
  })

  test('is never that of a call by a value that looks like one', () => {
    const one = subject({ who: 'call:b' })
    expect(laneKey({ path: 'event.body.who' }, one)).not.toBe(laneKey('call', subject({}, { callId: 'b' })))
    expect(laneKey({ path: 'event.body.who' }, subject({ who: 'all' }))).not.toBe(laneKey('destination', one))
  })

  test('is a text that every store can hold, of bounded length', () => {
    const keyOf = (who: string): string => laneKey({ path: 'event.body.who' }, subject({ who }))
    const hostile = [
      'x'.repeat(100_000),
      `${'x'.repeat(199)}📞`,
      '📞'.repeat(300),
      'lone \ud800 surrogate',
      'NUL \0 inside',
      `o'brien"; --`,
    ]
    for (const who of hostile) {
      const key = keyOf(who)
      expect(key.isWellFormed(), who.slice(0, 20)).toBe(true)
      expect(key).not.toContain('\0')
      expect(key.length).toBeLessThanOrEqual(204)
      expect(key.startsWith('key:')).toBe(true)
    }
    expect(keyOf(`o'brien"; --`)).toBe(`key:o'brien"; --`)
    expect(keyOf(' +966 50 ')).toBe('key:+966 50')
  })

  test('does not name a lane by what is only space once it was cleaned', () => {
    for (const who of ['\0 ', ' \0', '\0\0', ' \0 \0 ']) {
      expect(laneKey({ path: 'event.body.who' }, subject({ who })), JSON.stringify(who)).toBe('call:a')
    }
  })
})

describe('what is wrong with a path', () => {
  test('nothing, where it is the same for all that is to go one after the other', () => {
    for (const path of [
      'call.userNumber',
      'call.callId',
      'call.agentId',
      'event.type',
      'event.source',
      'event.body.a',
      'event.body.a.b-c.0',
    ]) {
      expect(lanePathProblem(path), path).toBeNull()
    }
  })

  test('is said as an expectation', () => {
    const wrong = [
      '',
      'call',
      'event',
      'call.',
      'call.status',
      'call.userNumber.x',
      'call.constructor',
      'event.body',
      'event.body.',
      'event.body.a..b',
      'event.seq',
      'event.type.x',
      'body.a',
      '$.a',
      'CALL.userNumber',
    ]
    for (const path of wrong) expect(lanePathProblem(path), path).toContain('call.userNumber')
  })
})
