import { Agent, request } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import { allEvents, endServerProcesses, startServerProcess, type ServerProcess } from '@hookswitch/testkit'

afterAll(endServerProcesses)

/** Sends one body over a connection of the given agent, so that the number of connections is the test's. */
function send(
  server: ServerProcess,
  agent: Agent,
  body: string,
): Promise<{ status: number; id: string; duplicate: boolean }> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `${server.url}/webhook`,
      {
        agent,
        method: 'POST',
        headers: { authorization: `Bearer ${server.secret}`, 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () => {
          const answer = JSON.parse(text) as { id: string; duplicate?: boolean }
          resolve({ status: response.statusCode ?? 0, id: answer.id, duplicate: answer.duplicate ?? false })
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

test('P2: one event 200 times at once over 20 connections - one row, and one id in all answers', async () => {
  const server = await startServerProcess()
  const agent = new Agent({ keepAlive: true, maxSockets: 20 })
  const body = JSON.stringify({
    eventType: 'call.ended',
    callId: 'call_1',
    timestamp: '2026-01-15T14:35:00.000Z',
  })
  const answers = await Promise.all(Array.from({ length: 200 }, () => send(server, agent, body)))
  agent.destroy()
  expect(answers.every(({ status }) => status === 200)).toBe(true)
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
  expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
  expect(await allEvents(server)).toHaveLength(1)
  expect(await server.stop()).toBe(0)
})

test('the order of keys and white space make no other event; another value does, and both are kept', async () => {
  const server = await startServerProcess()
  const agent = new Agent({ keepAlive: true })
  const first = await send(
    server,
    agent,
    '{"eventType":"call.ended","callId":"c","timestamp":"2026-01-15T14:35:00Z","data":{"a":1,"b":2}}',
  )
  const same = await send(
    server,
    agent,
    '{ "data": {"b":2, "a":1}, "callId":"c", "timestamp":"2026-01-15T14:35:00Z", "eventType":"call.ended" }',
  )
  const other = await send(
    server,
    agent,
    '{"eventType":"call.ended","callId":"c","timestamp":"2026-01-15T14:35:00Z","data":{"a":1,"b":3}}',
  )
  agent.destroy()
  expect(same).toMatchObject({ duplicate: true, id: first.id })
  expect(other.duplicate).toBe(false)
  const events = await allEvents(server)
  expect(events).toHaveLength(2)
  expect(JSON.stringify(events[1]?.['issues'])).toContain(first.id)
  expect(await server.stop()).toBe(0)
})
