import { describe, expect, test } from 'vitest'
import { ended, event, eventOf, recordOf, StoredCall } from '../../test/events-of.ts'
import { callLimits } from '../call.ts'
import { foldCall } from './fold-call.ts'

const at = (second: number): string => new Date(Date.UTC(2026, 4, 3, 9, 0, second)).toISOString()

test('a call needs an event', () => {
  expect(() => foldCall(null, [])).toThrow(RangeError)
})

test('no new events leave the head as it is', () => {
  const { head } = foldCall(null, [eventOf(ended({}))])
  expect(foldCall(head, [])).toEqual({ head, put: [], drop: [] })
})

test('an event without a time of its own is ordered by its arrival, and gives the call no time', () => {
  const body = { eventType: 'call.ended', callId: 'call_1', data: { data: { agentName: 'new' } } }
  const { head } = foldCall(null, [eventOf(body, 1, Date.parse(at(5)))])
  expect(head).toMatchObject({
    firstEventAt: Date.parse(at(5)),
    lastEventAt: Date.parse(at(5)),
    endedEventAt: null,
  })
})

test('for scalars the latest event counts, of equal times the later in the log', () => {
  const named = (agentName: string, second: number) => ({
    ...event('call.started', {}, at(second)),
    agentName,
  })
  expect(recordOf([named('late', 9), named('early', 1)]).agentName).toBe('late')
  expect(recordOf([named('one', 9), named('two', 9)]).agentName).toBe('two')
  expect(recordOf([named('one', 9), named('', 10)]).agentName).toBe('one')
  const sameTime = [eventOf(named('two', 9), 2), eventOf(named('one', 9), 1)]
  expect(foldCall(null, sameTime).head.agentName?.value).toBe('two')
})

test('a time that the payload reports wins over the time of the event, also of a later one', () => {
  const bodies = [
    event('call.started', {}, at(1)),
    event('call.answered', { startedAt: at(0), answeredAt: at(5) }, at(6)),
    event('call.started', {}, at(9)),
  ]
  expect(recordOf(bodies)).toMatchObject({ startedAt: at(0), answeredAt: at(5), ringSeconds: 5 })
})

test('of several events of one type the earliest says when it happened', () => {
  expect(recordOf([event('call.started', {}, at(3)), event('call.started', {}, at(2))]).startedAt).toBe(at(2))
})

test('an unknown type has no effect whatever facts come with it', () => {
  const { envelope, ...rest } = eventOf(ended({ outcomeResult: { a: 1 }, transcription: [{ Agent: 'a' }] }))
  const { head, put } = foldCall(null, [{ ...rest, envelope: { ...envelope, type: 'call.analyzed' } }])
  expect(put).toEqual([])
  expect(head).toMatchObject({
    status: 'started',
    endedEventAt: null,
    outcome: null,
    final: null,
    eventCount: 1,
  })
})

test('every source is listed once', () => {
  const events = ['b', 'a', 'b'].map((source, seq) => ({ ...eventOf(ended({}), seq), source }))
  expect(foldCall(null, events).head.sources).toEqual(['a', 'b'])
})

describe('outcome', () => {
  test('the latest replaces the earlier as a whole, and an empty or missing one never does', () => {
    const call = new StoredCall()
    const first = call.apply([eventOf(ended({ outcomeResult: { a: 1, b: 2 } }, at(1)), 1)])
    expect(first.outcomeText).toEqual({ a: '1', b: '2' })
    const corrected = call.apply([eventOf(ended({ outcomeResult: { a: 3 } }, at(2)), 2)])
    expect(corrected).toMatchObject({ drop: [{ kind: 'outcome', seq: 1 }], outcomeText: { a: '3' } })
    for (const outcomeResult of [{}, null, '', undefined, []]) {
      const change = call.apply([eventOf(ended({ outcomeResult }, at(3)), 3)])
      expect(change).toMatchObject({ put: [], drop: [] })
      expect('outcomeText' in change).toBe(false)
    }
    expect(call.apply([eventOf(ended({ outcomeResult: { late: 1 } }, at(0)), 4)]).put).toEqual([])
    expect(call.show().outcome).toEqual({ a: { state: 'value', value: 3, origin: 'unknown' } })
    expect(call.head?.otherCharacters).toBe('{"a":3}'.length)
  })

  test('its text has the scalars, short ones, of the first 64 fields', () => {
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, field) => [`field${field}`, field]))
    const outcomeResult = {
      s: 'x',
      n: 0,
      b: false,
      none: null,
      list: [],
      long: 'x'.repeat(257),
      nul: '\0',
      ...many,
    }
    const { outcomeText = {} } = foldCall(null, [eventOf(ended({ outcomeResult }))])
    expect(outcomeText).toMatchObject({ s: 'x', n: '0', b: 'false', field0: '0', field56: '56' })
    expect(Object.keys(outcomeText)).toHaveLength(60)
  })

  test('a number beyond a double stays a value — as JSON it would be null, which means something else', () => {
    const body = JSON.stringify(ended({ outcomeResult: { salary: '#', list: ['#'] } })).replaceAll(
      '"#"',
      '1e999',
    )
    const call = new StoredCall()
    call.apply([eventOf(body)])
    expect(call.show().outcome).toMatchObject({
      salary: { state: 'value', value: 'Infinity' },
      list: { state: 'value', value: ['Infinity'] },
    })
    expect(eventOf(body).facts.issues).toEqual([
      { path: 'data.data.outcomeResult', message: 'has a number out of range, taken as text' },
      { path: 'data.data.outcomeResult', message: 'has a number out of range, taken as text' },
    ])
  })
})

describe('final transcript', () => {
  const final = (texts: string[], second: number) => {
    return ended({ transcription: texts.map((text) => ({ Agent: text })) }, at(second))
  }

  test('it replaces the live one as soon as it has a turn with text', () => {
    const live = event('transcription.update', { transcription: [{ Agent: 'a' }, { User: 'b' }] }, at(0))
    expect(recordOf([live, final([], 1)])).toMatchObject({
      transcriptSource: 'live',
      transcriptText: 'Agent: a\nUser: b',
    })
    expect(recordOf([live, final(['', ' '], 1)]).transcriptSource).toBe('live')
    expect(recordOf([live, final(['c'], 1)])).toMatchObject({
      transcriptSource: 'final',
      transcriptText: 'Agent: c',
    })
    expect(recordOf([final([], 1)])).toMatchObject({
      transcriptSource: 'none',
      transcriptText: '',
      transcript: [],
    })
  })

  test('of two the larger stays, by turns, then characters, then time — it never shrinks', () => {
    expect(recordOf([final(['a', 'b'], 1), final(['long one'], 2)]).transcriptText).toBe('Agent: a\nAgent: b')
    expect(recordOf([final(['bbb'], 1), final(['aa'], 2)]).transcriptText).toBe('Agent: bbb')
    expect(recordOf([final(['aa'], 2), final(['bb'], 1)]).transcriptText).toBe('Agent: aa')
    expect(recordOf([final(['aa'], 2), final(['bb'], 3)]).transcriptText).toBe('Agent: bb')
  })

  test('one beyond the limit is cut there and marked', () => {
    const call = new StoredCall()
    call.apply([
      eventOf(
        final(
          Array.from({ length: callLimits.turnsMax + 1 }, () => 'x'),
          1,
        ),
      ),
    ])
    expect(call.head).toMatchObject({ truncated: true, final: { turns: callLimits.turnsMax } })
    const large = 'x'.repeat(callLimits.transcriptCharactersMax / 2)
    const other = new StoredCall()
    other.apply([eventOf(final([large, large, 'end'], 1))])
    expect(other.show()).toMatchObject({ truncated: true, transcript: [{ speaker: 'Agent' }] })
  })
})

describe('live lists', () => {
  const list = (texts: string[], second: number, seq: number) => {
    const transcription = texts.map((text) => ({ Agent: text }))
    return eventOf(event('transcription.update', { transcription }, at(second)), seq)
  }

  test('a longer list takes the place of its beginning in the store', () => {
    const call = new StoredCall()
    call.apply([list(['a', 'b', 'c'], 1, 1)])
    const change = call.apply([list(['a', 'b', 'c', 'd'], 2, 2)])
    expect(change).toMatchObject({
      put: [{ seq: 2 }],
      drop: [{ kind: 'live', seq: 1 }],
      head: { liveTurns: 4 },
    })
  })

  test('within one slice nothing is dropped that was never stored', () => {
    const change = foldCall(null, [list(['a', 'b', 'c'], 1, 1), list(['a', 'b', 'c', 'd'], 2, 2)])
    expect(change).toMatchObject({ put: [{ seq: 2 }], drop: [] })
  })

  test('the same list again is not stored again', () => {
    const call = new StoredCall()
    call.apply([list(['a', 'b', 'c'], 2, 1)])
    expect(call.apply([list(['a', 'b', 'c'], 1, 2)])).toMatchObject({ put: [], head: { liveTurns: 3 } })
  })

  test('an unrelated list is a part of its own, and the longer of the two is the one that grows', () => {
    const call = new StoredCall()
    call.apply([list(['a', 'b', 'c'], 1, 1), list(['d', 'e', 'f', 'g'], 2, 2)])
    expect(call.head).toMatchObject({ cumulative: { seq: 2, turns: 4 }, liveTurns: 7 })
    expect(
      call
        .show()
        .transcript.map(({ text }) => text)
        .join(''),
    ).toBe('abcdefg')
  })
})

describe('tools', () => {
  const tool = (second: number, output: string, seq = second) => {
    return eventOf(event('tool.executed', { toolName: 'lookup', output }, at(second)), seq)
  }

  test('they are listed by their times', () => {
    const call = new StoredCall()
    call.apply([tool(2, 'two', 1), tool(1, 'one', 2)])
    expect(call.show().tools.map(({ output }) => output)).toEqual(['one', 'two'])
  })

  test('those that return too much are left out — the outcome, which comes last, still has room', () => {
    const call = new StoredCall()
    call.apply([tool(1, 'x'.repeat(700 * 1024)), tool(2, 'x'.repeat(100 * 1024)), tool(3, 'small')])
    call.apply([eventOf(ended({ outcomeResult: { notes: 'x'.repeat(200 * 1024) } }), 4)])
    expect(call.head).toMatchObject({ truncated: true, outcome: { seq: 4 } })
    expect([...call.parts.keys()]).toEqual(['tool 1', 'tool 3', 'outcome 4'])
    expect(call.head?.otherCharacters).toBeLessThanOrEqual(callLimits.otherCharactersMax)
  })
})
