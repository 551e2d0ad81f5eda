import { afterAll, expect, test } from 'vitest'
import { api, endServerProcesses, post, startServerProcess, until } from '@hookswitch/testkit'

afterAll(endServerProcesses)

const canaries = ['+966501234567', 'canary-transcript', 'canary-outcome', 'canary-wrong-token', 'canary-name']

test('P8: no payload, token or number in log or metrics, whatever became of the request', async () => {
  const server = await startServerProcess({ env: { LOG_LEVEL: 'trace' } })
  const data = {
    userNumber: canaries[0],
    transcription: [{ User: canaries[1] }],
    outcomeResult: { name: canaries[2] },
  }
  const body = { eventType: 'call.ended', callId: 'private', agentName: canaries[4], data: { data } }
  const good = JSON.stringify(body)
  const answers = [
    await post(server, good),
    await post(server, good),
    await post(server, good, { headers: { authorization: `Bearer ${canaries[3]}` } }),
    await post(server, good.slice(0, -1)),
    await post(server, JSON.stringify({ ...body, callId: [canaries[0]] })),
    await post(server, JSON.stringify({ ...body, eventType: 'x'.repeat(200) })),
    await post(server, good, { path: `/webhook/unknown?token=${String(canaries[3])}` }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 400, 400, 400, 404])
  await until('the call', async () => (await api(server, '/calls/private')).status === 200)
  await api(server, `/calls?q=${encodeURIComponent(String(canaries[4]))}`)
  await api(server, `/calls?outcome.name=${String(canaries[2])}`)
  const metrics = await (await fetch(`${server.url}/metrics`)).text()
  expect(await server.stop()).toBe(0)
  const output = server.output()
  for (const secret of [...canaries, server.secret, server.adminToken]) {
    expect(output).not.toContain(secret)
    expect(metrics).not.toContain(secret)
  }
  // The answers to the sender quote nothing either, so that what logs them is safe too.
  for (const { status, body: answer } of answers) {
    if (status !== 200) for (const secret of canaries) expect(JSON.stringify(answer)).not.toContain(secret)
  }
})

test('one line for every arrival, and a refusal says from where and why', async () => {
  const server = await startServerProcess()
  await post(server, JSON.stringify({ eventType: 'call.ended', callId: 'line' }))
  await post(server, JSON.stringify({ eventType: 'call.ended', callId: 'line' }))
  await post(server, '{}', { headers: { authorization: 'Bearer nothing' } })
  await post(server, '{}')
  await server.stop()
  const lines = server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const arrivals = lines.filter(({ address }) => address !== undefined)
  expect(arrivals).toMatchObject([
    { msg: 'accepted', type: 'call.ended', callId: 'line', address: '127.0.0.1' },
    { msg: 'duplicate', callId: 'line' },
    { msg: 'rejected', reason: 'secret_mismatch', status: 401, address: '127.0.0.1' },
    {
      msg: 'rejected',
      reason: 'invalid_payload',
      status: 400,
      detail: expect.stringContaining('callId') as string,
    },
  ])
  expect(arrivals[0]?.['id']).toBe(arrivals[1]?.['id'])
})

test('metrics count by result, by the five types and other, and by reason', async () => {
  const server = await startServerProcess()
  await post(server, JSON.stringify({ eventType: 'call.ended', callId: 'm' }))
  await post(server, JSON.stringify({ eventType: 'call.ended', callId: 'm' }))
  await post(server, JSON.stringify({ eventType: 'call.exploded', callId: 'm' }))
  await post(server, '[]')
  const page = async (): Promise<string> => (await fetch(`${server.url}/metrics`)).text()
  await until('the fold', async () => (await page()).includes('hookswitch_folded_events_total 2'))
  const metrics = await page()
  for (const line of [
    'hookswitch_arrivals_total{result="accepted",type="call.ended"} 1',
    'hookswitch_arrivals_total{result="duplicate",type="call.ended"} 1',
    'hookswitch_arrivals_total{result="accepted",type="other"} 1',
    'hookswitch_arrivals_total{result="rejected",type="none"} 1',
    'hookswitch_rejections_total{reason="invalid_payload"} 1',
    'hookswitch_log_newest_seq 2',
    'hookswitch_fold_lag_events 0',
    'hookswitch_store_up 1',
    'hookswitch_ack_seconds_count 3',
  ]) {
    expect(metrics).toContain(line)
  }
  expect(await server.stop()).toBe(0)
})
