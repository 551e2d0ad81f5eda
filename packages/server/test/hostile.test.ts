import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allEvents,
  api,
  endServerProcesses,
  post,
  startServerProcess,
  type ServerProcess,
} from '@hookswitch/testkit'

let server: ServerProcess

beforeAll(async () => {
  server = await startServerProcess()
})
afterAll(async () => {
  // Whatever was thrown at it, it still answers, and it ends in order.
  expect((await post(server, '{"eventType":"call.ended","callId":"after-all"}')).status).toBe(200)
  expect(await server.stop()).toBe(0)
  await endServerProcesses()
})

async function raw(id: unknown): Promise<Buffer> {
  const response = await fetch(`${server.url}/api/v1/events/${String(id)}/raw`, {
    headers: { authorization: `Bearer ${server.adminToken}` },
  })
  expect(response.status).toBe(200)
  return Buffer.from(await response.arrayBuffer())
}

/** A 200 means that exactly these bytes are on disk. */
async function expectHonest(body: Uint8Array<ArrayBuffer>): Promise<number> {
  const answer = await post(server, body)
  if (answer.status === 200) {
    const stored = await raw(answer.body['id'])
    if (answer.body['duplicate'] !== true) expect(stored.equals(body)).toBe(true)
  } else {
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ error: 'Invalid payload', code: 'invalid_payload' })
    expect((answer.body['issues'] as unknown[]).length).toBeGreaterThan(0)
  }
  return answer.status
}

const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text))
const event = (more: string): string => `{"eventType":"call.ended","callId":"hostile"${more}}`

describe('bodies that are refused with 400 and a reason', () => {
  const cases: Record<string, Uint8Array<ArrayBuffer> | string> = {
    nothing: '',
    'white space': ' \n ',
    'not JSON': 'hello',
    'half of it': '{"eventType":"call.ended","callId":"x"',
    'two of them': '{"eventType":"call.ended","callId":"x"}{}',
    'a trailing comma': '{"eventType":"call.ended","callId":"x",}',
    'a comment': '{"eventType":"call.ended",/* */"callId":"x"}',
    NaN: '{"eventType":"call.ended","callId":"x","n":NaN}',
    null: 'null',
    'an array': '[{"eventType":"call.ended","callId":"x"}]',
    'a string': '"call.ended"',
    'a number': '12',
    'no type': '{"callId":"x"}',
    'no call': '{"eventType":"call.ended"}',
    'a null call': '{"eventType":"call.ended","callId":null}',
    'an empty call': '{"eventType":"call.ended","callId":""}',
    'an object as call': '{"eventType":"call.ended","callId":{}}',
    'true as call': '{"eventType":"call.ended","callId":true}',
    'a call of 201 characters': `{"eventType":"call.ended","callId":"${'x'.repeat(201)}"}`,
    'a call with a line break': '{"eventType":"call.ended","callId":"a\\nb"}',
    'a call with NUL': '{"eventType":"call.ended","callId":"a\\u0000b"}',
    'a call with a C1 control': '{"eventType":"call.ended","callId":"a\\u0085b"}',
    'a call with half a surrogate pair': '{"eventType":"call.ended","callId":"a\\ud800b"}',
    'an empty type': '{"eventType":"","callId":"x"}',
    'a number as type': '{"eventType":7,"callId":"x"}',
    'a type of 101 characters': `{"eventType":"${'x'.repeat(101)}","callId":"x"}`,
    'a type that is not ASCII': '{"eventType":"call.endéd","callId":"x"}',
    'a type with a control character': '{"eventType":"call\\tended","callId":"x"}',
    '65 levels': event(`,"data":${'['.repeat(64)}${']'.repeat(64)}`),
    '100,000 levels': event(`,"data":${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    '100,000 levels that never close': '['.repeat(100_000),
    'a raw line break in a string': '{"eventType":"call.ended","callId":"x","t":"a\nb"}',
    'a raw NUL': '{"eventType":"call.ended","callId":"x"\0}',
    'invalid UTF-8': new Uint8Array([
      ...bytes('{"eventType":"call.ended","callId":"x","t":"'),
      0xff,
      0xfe,
      ...bytes('"}'),
    ]),
    'an overlong encoding': new Uint8Array([
      ...bytes('{"eventType":"call.ended","callId":"x","t":"'),
      0xc0,
      0xaf,
      ...bytes('"}'),
    ]),
    'an encoded surrogate': new Uint8Array([
      ...bytes('{"eventType":"call.ended","callId":"x","t":"'),
      0xed,
      0xa0,
      0x80,
      ...bytes('"}'),
    ]),
    'UTF-16': new Uint8Array(Buffer.from('{"eventType":"call.ended","callId":"x"}', 'utf16le')),
  }
  for (const [name, body] of Object.entries(cases)) {
    test(name, async () => {
      expect(await expectHonest(typeof body === 'string' ? bytes(body) : body)).toBe(400)
    })
  }

  test('every problem is named at once, in the names of the sender', async () => {
    const { body } = await post(server, '{"event_type":"","caller_info":{"call_id":[]}}')
    const paths = (body['issues'] as { path: string }[]).map(({ path }) => path)
    expect(paths).toEqual(expect.arrayContaining(['event_type', 'caller_info.call_id']))
  })
})

describe('bodies that are odd and yet events: stored as they came', () => {
  const cases: Record<string, string> = {
    '64 levels': event(`,"data":${'['.repeat(63)}${']'.repeat(63)}`),
    'a number of 400 digits': event(`,"n":${'9'.repeat(400)}`),
    'a number beyond all numbers': event(',"n":1e999'),
    'a number of 20 digits': event(',"n":12345678901234567890'),
    'minus zero': event(',"n":-0'),
    __proto__: event(
      ',"__proto__":{"polluted":true},"data":{"data":{"outcomeResult":{"__proto__":"x","constructor":"y"}}}',
    ),
    'keys twice': event(',"data":{"a":1,"a":2},"data":{"a":3}'),
    'the call twice': '{"eventType":"call.ended","callId":"one","callId":"two"}',
    'NUL in a text': event(',"data":{"text":"a\\u0000b"}'),
    'half a surrogate pair in a text': event(
      ',"agentName":"a\\ud800b","data":{"data":{"outcomeResult":{"x":"\\udfff"}}}',
    ),
    'a BOM': `\uFEFF${event(',"bom":1')}`,
    'white space around': `\n\t ${event(',"w":1')} \r\n`,
    'an unknown type': '{"eventType":"call.exploded","callId":"hostile","data":[1,2,3]}',
    'data that is a string': event(',"data":"call"'),
    'data that is null': event(',"data":null'),
    'a transcript of anything': event(
      ',"data":{"transcription":[null,1,"x",[],{"Agent":null},{"Agent":{"deep":1}},{}]}',
    ),
    'an outcome that is a list': event(',"data":{"data":{"outcomeResult":[1,2]}}'),
    'a million-year time': event(',"timestamp":"+1000000-01-01T00:00:00Z"'),
    'a negative time': event(',"timestamp":-1'),
    'an endless time': event(',"timestamp":1e308'),
    'a call like a path': '{"eventType":"call.ended","callId":"../../etc/passwd?x=1#y%00"}',
    'a call like SQL': `{"eventType":"call.ended","callId":"'; DROP TABLE events; --"}`,
    'emoji and right-to-left': '{"eventType":"call.ended","callId":"مكالمة-📞-١٢٣"}',
    'a field of one megabyte': event(`,"data":{"text":"${'x'.repeat(1024 * 1024)}"}`),
    '100,000 fields': event(
      `,"data":{${Array.from({ length: 100_000 }, (_, index) => `"k${index}":${index}`).join(',')}}`,
    ),
  }
  for (const [name, body] of Object.entries(cases)) {
    test(name, async () => {
      expect(await expectHonest(bytes(body))).toBe(200)
    })
  }

  test('calls with such ids are found by them', async () => {
    for (const callId of ['../../etc/passwd?x=1#y%00', "'; DROP TABLE events; --", 'مكالمة-📞-١٢٣']) {
      const { status, body } = await api(server, `/calls/${encodeURIComponent(callId)}/events`)
      expect(status).toBe(200)
      expect(body['items']).toMatchObject([{ callId }])
    }
  })

  test('the prototype of objects is what it was', async () => {
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    const { body } = await api(server, '/calls/hostile')
    expect(body['callId']).toBe('hostile')
  })
})

describe('sizes', () => {
  const sized = (size: number): Uint8Array<ArrayBuffer> => {
    const start = `{"eventType":"call.ended","callId":"sized","data":"`
    return bytes(`${start}${'x'.repeat(size - start.length - 2)}"}`)
  }

  test('exactly 10 MiB passes', async () => {
    expect(await expectHonest(sized(10_485_760))).toBe(200)
  })

  test('one byte more is 413, by its declared length and also without one', async () => {
    expect((await post(server, sized(10_485_761))).status).toBe(413)
    const body = sized(10_485_761)
    const chunked = new ReadableStream({
      start(controller) {
        controller.enqueue(body)
        controller.close()
      },
    })
    const response = await fetch(`${server.url}/webhook`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.secret}` },
      body: chunked,
      duplex: 'half',
    })
    expect(response.status).toBe(413)
    expect(await response.json()).toMatchObject({ code: 'payload_too_large' })
  })
})

/** What a server answers to bytes that no HTTP client would send. Ends at the close or after the first answer. */
async function speak(text: string, until = /\r\n\r\n[^]*\}/): Promise<string> {
  const { port, hostname } = new URL(server.url)
  const socket: Socket = connect(Number(port), hostname)
  let answer = ''
  socket.setEncoding('utf8')
  socket.on('data', (chunk: string) => {
    answer += chunk
    if (until.test(answer)) socket.end()
  })
  socket.on('error', () => {})
  socket.write(text)
  const timer = setTimeout(() => socket.destroy(), 15_000)
  await once(socket, 'close')
  clearTimeout(timer)
  return answer
}

describe('HTTP that is wrong', () => {
  const head = (more: string): string =>
    `POST /webhook HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.secret}\r\n${more}`
  const body = event(',"smuggled":1')

  test('a length and chunks at once are refused - two servers may read two requests', async () => {
    const answer = await speak(
      head(`Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
    )
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('two different lengths are refused', async () => {
    expect(await speak(head(`Content-Length: 1\r\nContent-Length: ${body.length}\r\n\r\n${body}`))).toMatch(
      /^HTTP\/1\.1 400 /,
    )
  })

  test('a length that is no number is refused', async () => {
    for (const length of ['-1', '0x10', '1e3', 'abc', '+5']) {
      expect(await speak(head(`Content-Length: ${length}\r\n\r\n${body}`))).toMatch(/^HTTP\/1\.1 400 /)
    }
  })

  test('an obfuscated chunked encoding is refused', async () => {
    expect(await speak(head(`Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`))).toMatch(/^HTTP\/1\.1 400 /)
  })

  test('a header with a line break inside is refused', async () => {
    expect(await speak(head(`X-A: a\nX-B: b\rC: d\r\nContent-Length: 2\r\n\r\n{}`))).toMatch(
      /^HTTP\/1\.1 400 /,
    )
  })

  test('headers without end are refused', async () => {
    expect(await speak(head(`X-Long: ${'x'.repeat(100_000)}\r\n\r\n`))).toMatch(/^HTTP\/1\.1 431 /)
  })

  test('a body longer than declared is not part of the event, and what follows is not taken for one', async () => {
    const answer = await speak(
      head(`Content-Length: ${body.length}\r\n\r\n${body}GARBAGE\r\n\r\n`),
      /400 Bad Request[^]*\}/,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })

  test('a body shorter than declared is 408 after ten seconds, and not stored', async () => {
    const before = (await allEvents(server)).length
    const answer = await speak(head(`Content-Length: ${body.length + 10}\r\n\r\n${body}`))
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(answer).toContain('"code":"request_timeout"')
    expect((await allEvents(server)).length).toBe(before)
  })

  test('a compressed body is 415', async () => {
    expect((await post(server, body, { headers: { 'content-encoding': 'gzip' } })).status).toBe(415)
  })

  test('a request that expects 100 Continue is refused before it sends its body', async () => {
    const answer = await speak(
      `POST /webhook HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer wrong\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1\.1 401 /)
    expect(answer).not.toContain('100 Continue')
  })
})

describe('properties', () => {
  test('any bytes: 200 and stored as they are, or 400 with a reason', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (body) => {
        await expectHonest(new Uint8Array(body))
      }),
      { numRuns: 100 },
    )
  })

  test('any JSON in any place of an event: 200 and stored as it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.jsonValue(),
        fc.jsonValue(),
        fc.jsonValue(),
        fc.integer({ min: 0 }),
        async (data, time, agent, call) => {
          const body = JSON.stringify({
            eventType: 'call.ended',
            callId: `p${call}`,
            data,
            timestamp: time,
            agentId: agent,
          })
          expect(await expectHonest(bytes(body))).toBe(200)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('any JSON in the known fields of the inner data: stored, folded, shown', async () => {
    const names = [
      'transcription',
      'outcomeResult',
      'callDuration',
      'toolName',
      'params',
      'speaker',
      'text',
      'conversationId',
      'direction',
      'userNumber',
      'recordingUrl',
      'conversationRecording',
    ]
    const inner = fc.dictionary(fc.constantFrom(...names), fc.jsonValue())
    const types = fc.constantFrom(
      'call.started',
      'call.answered',
      'transcription.update',
      'tool.executed',
      'call.ended',
    )
    await fc.assert(
      fc.asyncProperty(types, inner, async (eventType, data) => {
        const body = JSON.stringify({
          eventType,
          callId: 'any-inner',
          timestamp: '2026-01-01T00:00:00Z',
          data: { data },
        })
        expect(await expectHonest(bytes(body))).toBe(200)
      }),
      { numRuns: 150 },
    )
    const { status } = await api(server, '/calls/any-inner')
    expect([200, 404]).toContain(status)
  })
})
