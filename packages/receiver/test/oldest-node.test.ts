import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

/** The oldest that package.json allows. Our own tests run on a later one. */
const oldest = 'v20.'

/** A Node of that version among those that are installed. */
function findOldest(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/bin', '/usr/bin']
  return [...new Set(folders)]
    .map((folder) => join(folder, 'node'))
    .filter((file) => existsSync(file))
    .find((file) => execFileSync(file, ['--version'], { encoding: 'utf8' }).startsWith(oldest))
}

const node = findOldest()
const title = node === undefined ? ` (no Node ${oldest}x is installed)` : ''

/** Everything that needs nothing but Node, asked over a socket and through each adapter that is a function. */
const program = `
  import { createHmac } from 'node:crypto'
  import { once } from 'node:events'
  import { createServer } from 'node:http'
  import { createReceiver, echoed, memoryDedupe, outcomeState, Rejected, transcriptText } from '@hookswitch/receiver'
  import { expressReceiver } from '@hookswitch/receiver/express'
  import { fastifyReceiver } from '@hookswitch/receiver/fastify'
  import { fetchReceiver } from '@hookswitch/receiver/fetch'
  import { honoReceiver } from '@hookswitch/receiver/hono'
  import { lambdaHandler } from '@hookswitch/receiver/lambda'
  import { nextPages, nextRoute } from '@hookswitch/receiver/next'
  import { nodeListener } from '@hookswitch/receiver/node'
  import { redisDedupe } from '@hookswitch/receiver/redis'
  import { sqlDedupe } from '@hookswitch/receiver/sql'

  const told = []
  const key = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64')
  const receiver = createReceiver({
    secrets: 'X',
    dedupe: memoryDedupe(),
    deadlineMs: 50,
    order: 'call',
    onError: (error, { phase }) => told.push(phase + ' ' + error.name),
    log: ({ event, reason }) => told.push(reason ?? event),
    on: {
      'call.started': () => new Promise(() => {}),
      'call.ended': ({ event, call }) => {
        if (call.callId === 'never') throw new Rejected('never')
        told.push(transcriptText(event), outcomeState(event, 'noticePeriod'), echoed(event, ['application_id', 'user_id']))
      },
    },
  })
  const signed = createReceiver({
    auth: 'none',
    signature: { secrets: ['whsec_' + key.toString('base64')] },
    on: { '*': () => {} },
  })
  const bodyOf = (eventType, callId) =>
    JSON.stringify({ eventType, callId, data: { data: {
      transcription: [{ Agent: 'Hello!' }], outcomeResult: { application_id: '12345', noticePeriod: null },
    } } })

  const server = createServer((request, response) => {
    if (request.url === '/signed') nodeListener(signed)(request, response)
    else if (request.url === '/express') expressReceiver(receiver)(request, response)
    else nodeListener(receiver)(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const ask = async (path, body, headers = {}) => {
    const url = 'http://127.0.0.1:' + server.address().port + path
    const sent = { authorization: 'Bearer X', 'webhook-id': 'evt_1', ...headers }
    const response = await fetch(url, { method: 'POST', headers: sent, body })
    return [response.status, await response.text()]
  }
  const timestamp = String(Math.floor(Date.now() / 1000))
  const body = bodyOf('call.ended', 'call_1')
  const v1 = createHmac('sha256', key).update('evt_1.' + timestamp + '.' + body).digest('base64')
  const answers = [
    await ask('/', body),
    await ask('/express', body),
    await ask('/', body, { authorization: 'Bearer Y' }),
    await ask('/', bodyOf('call.ended', 'never')),
    await ask('/', bodyOf('call.started', 'call_2')),
    await ask('/', '{}'),
    await ask('/signed', body, { 'webhook-timestamp': timestamp, 'webhook-signature': 'v1,' + v1 }),
    await ask('/signed', body, { 'webhook-timestamp': timestamp, 'webhook-signature': 'v1,AAAA' }),
  ]
  server.close()
  server.closeAllConnections()
  const request = () => new Request('http://app/', { method: 'POST', body, headers: { authorization: 'Bearer X' } })
  for (const response of [
    await fetchReceiver(receiver).fetch(request()),
    await honoReceiver(receiver)({ req: { raw: request(), bodyCache: {} } }),
    await nextRoute(receiver).POST(request()),
  ]) answers.push([response.status, JSON.parse(await response.text()).duplicate])
  const invoked = await lambdaHandler(receiver)({
    httpMethod: 'POST', headers: { authorization: 'Bearer X' }, body, isBase64Encoded: false,
  })
  answers.push([invoked.statusCode, JSON.parse(invoked.body).duplicate])
  const made = [fastifyReceiver(receiver), nextPages(receiver), redisDedupe, sqlDedupe].map((value) => typeof value)
  console.log(JSON.stringify({ answers, told, made }))
  process.exit()
`

test.skipIf(node === undefined)(`the package runs on the oldest Node that it allows${title}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hookswitch-node-'))
  try {
    const outfile = join(folder, 'program.mjs')
    await build({
      stdin: { contents: program, resolveDir: import.meta.dirname, loader: 'js' },
      bundle: true,
      platform: 'node',
      format: 'esm',
      // As the package is compiled: what is too new for that Node stays as it is, and fails there.
      target: 'es2024',
      conditions: ['hookswitch-source'],
      outfile,
    })
    // Without the conditions of this process, which an older one would take for its own.
    const env = { ...process.env, NODE_OPTIONS: '' }
    const output = execFileSync(node ?? '', [outfile], { encoding: 'utf8', env, timeout: 20_000 })
    expect(JSON.parse(output)).toEqual({
      answers: [
        [200, '{"received":true,"id":"evt_1"}'],
        [200, '{"received":true,"duplicate":true,"id":"evt_1"}'],
        [401, expect.any(String)],
        [200, '{"received":true,"id":"evt_1","processing_error":true}'],
        [503, expect.any(String)],
        [400, expect.stringContaining('callId')],
        [200, '{"received":true,"id":"evt_1"}'],
        [401, expect.any(String)],
        [200, true],
        [200, true],
        [200, true],
        [200, true],
      ],
      told: [
        'Agent: Hello!',
        'null',
        { values: { application_id: '12345' }, missing: ['user_id'] },
        'accepted',
        'duplicate',
        'secret_mismatch',
        'handler Rejected',
        'rejected',
        'late TimeoutError',
        'deadline',
        'invalid_payload',
        ...Array<string>(4).fill('duplicate'),
      ],
      made: ['function', 'function', 'function', 'function'],
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
})
