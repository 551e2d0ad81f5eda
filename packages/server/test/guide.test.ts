import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { api, endServerProcesses, startServerProcess, until, type ServerProcess } from '@hookswitch/testkit'

const run = promisify(execFile)

let server: ServerProcess
beforeAll(async () => {
  server = await startServerProcess()
})
afterAll(endServerProcesses)

/** The platform's guide, "Local Testing with cURL", word for word; its address and token are placeholders. */
const guideCurl = `curl -X POST https://your-endpoint.com/webhook \\
-H "Content-Type: application/json" \\
-H "Authorization: Bearer your_secret_token" \\
-d '{
"eventType": "call.ended",
"callId": "test-123",
"timestamp": "2024-01-15T14:35:00.000Z",
"data": {
"data": {
"conversationId": "conv-test",
"transcription": [],
"outcomeResult": {
"application_id": "12345"
}
}
}
}'`

async function shell(command: string): Promise<Record<string, unknown>> {
  const { stdout } = await run('sh', ['-c', command.replace(/^curl /, 'curl -sS ')])
  return JSON.parse(stdout) as Record<string, unknown>
}

test("the guide's cURL sample, word for word but for address and token, and the call it makes", async () => {
  const command = guideCurl
    .replace('https://your-endpoint.com', server.url)
    .replace('your_secret_token', server.secret)
  const first = await shell(command)
  expect(first).toEqual({ received: true, id: expect.stringMatching(/^evt_/) as string })
  expect(await shell(command)).toEqual({ received: true, duplicate: true, id: first['id'] })

  const call = await until('the call', async () => {
    const { status, body } = await api(server, '/calls/test-123')
    return status === 200 ? body : null
  })
  expect(call).toEqual({
    callId: 'test-123',
    status: 'ended',
    agentId: null,
    agentName: null,
    projectId: null,
    conversationId: 'conv-test',
    sources: ['hamsa'],
    direction: null,
    channel: null,
    userNumber: null,
    agentNumber: null,
    params: null,
    startedAt: null,
    answeredAt: null,
    endedAt: '2024-01-15T14:35:00.000Z',
    ringSeconds: null,
    durationSeconds: null,
    durationSource: null,
    recordingUrl: null,
    transcriptSource: 'none',
    transcriptText: '',
    transcript: [],
    outcome: { application_id: { state: 'value', value: '12345', origin: 'unknown' } },
    tools: [],
    eventCount: 1,
    firstEventAt: '2024-01-15T14:35:00.000Z',
    lastEventAt: '2024-01-15T14:35:00.000Z',
    truncated: false,
  })
})

test("the README's sample does what the README says", async () => {
  const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8')
  const [, sample] = /```sh\n(curl [^]*?)\n```/.exec(readme) ?? []
  const command = String(sample)
    .replace('http://127.0.0.1:4000', server.url)
    .replace('$(cat .hookswitch/webhook-secret)', server.secret)
  expect(command).toContain(server.url)
  expect(command).toContain(server.secret)
  expect(await shell(command)).toEqual({ received: true, id: expect.stringMatching(/^evt_/) as string })
  const call = await until('the call', async () => {
    const { status, body } = await api(server, '/calls/readme-123')
    return status === 200 ? body : null
  })
  expect(call).toMatchObject({
    transcriptSource: 'final',
    transcriptText: 'Agent: Hello!\nUser: Hi.',
    outcome: {
      application_id: { state: 'value', value: '12345' },
      noticePeriod: { state: 'null', value: null },
    },
  })
})
