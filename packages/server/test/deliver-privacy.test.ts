import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import {
  endServerProcesses,
  startServerProcess,
  temporaryFolder,
  until,
  type ServerProcess,
} from '@hookswitch/testkit'
import {
  accepted,
  act,
  addWebhook,
  ask,
  callEvent,
  listed,
  loopbackAllowed,
  shown,
  startDeliveryReceiver,
  type DeliveryReceiver,
} from '@hookswitch/testkit/delivery-receiver'
import { deafPort, echoes, neverEnds } from '@hookswitch/testkit/destination-contract'

afterAll(endServerProcesses)
let receiver: DeliveryReceiver
beforeEach(async () => {
  receiver = await startDeliveryReceiver()
})
afterEach(() => receiver.close())

/** What may stand in the store and at the destination, and in no log line, no metric and no error. */
const secrets = {
  authSecret: 'canary-auth-secret',
  configSecret: 'canary-config-secret',
  header: 'canary-header-value',
  signing: `whsec_${Buffer.from('canary-signing-key-0123456789').toString('base64')}`,
  query: 'canary-query-token',
  path: 'T000/B000/canary-slack-path',
}
const payload = {
  phone: '+966501234567',
  said: 'canary-said',
  outcome: 'canary-outcome',
  name: 'canary-agent-name',
  thrown: 'canary-thrown',
}
const canaries = [...Object.values(secrets), ...Object.values(payload)]

const event = (callId: string): string =>
  callEvent(callId, 0, {
    agentName: payload.name,
    data: {
      userNumber: payload.phone,
      text: payload.said,
      outcomeResult: { name: payload.outcome },
    },
  })

/** Functions that put what they were given into whatever they throw or leave behind. */
const config = `
import { defineConfig, handler, webhook } from 'hookswitch'
const retry = { delaysSeconds: [0.1] }
const quote = ({ event }) => 'canary-thrown ' + JSON.stringify(event.body)
export default defineConfig({
  destinations: [
    handler({ name: 'throws', retry, run: (context) => { throw new Error(quote(context)) } }),
    handler({ name: 'rejects-beside', retry, run: (context) => { void Promise.reject(new Error(quote(context))) } }),
    handler({ name: 'overdue', retry, settings: { deadlineSeconds: 1 }, run: () => new Promise(() => {}) }),
    webhook({ name: 'filter-throws', retry, filter: (context) => { throw new TypeError(quote(context)) }, settings: { url: process.env.RECEIVER + '/ok?key=canary-query-token', authSecret: 'canary-config-secret' } }),
    webhook({ name: 'config-echo', retry, settings: { url: process.env.RECEIVER + '/echo?key=canary-query-token', authKey: 'Bearer', authSecret: 'canary-config-secret' } }),
  ],
})
`

function expectNone(where: string, text: string, allowed: readonly string[] = []): void {
  for (const canary of canaries) {
    if (!allowed.includes(canary)) expect(text.includes(canary), `${canary} in ${where}`).toBe(false)
  }
}

async function startCanaries(): Promise<ServerProcess> {
  const folder = await temporaryFolder()
  await writeFile(path.join(folder, 'hookswitch.config.ts'), config)
  const env = { ...loopbackAllowed, RECEIVER: receiver.url, LOG_LEVEL: 'trace' }
  return startServerProcess({ folder, cwd: folder, env })
}

test('P8: whatever becomes of a delivery, log and metrics say nothing that was sent, said or secret', async () => {
  const server = await startCanaries()
  receiver.treat(({ path: at }) => {
    if (at.startsWith('/echo')) return echoes
    if (at.startsWith('/503')) return 503
    if (at.startsWith('/401')) return 401
    if (at.startsWith('/long')) return neverEnds({ status: 500, body: payload.said })
    if (at.startsWith('/away')) return (_request, _response, socket) => socket.resetAndDestroy()
    if (at.startsWith('/redirect')) {
      return (request, response) => response.writeHead(302, { location: `/elsewhere${request.url}` }).end()
    }
    return 200
  })
  const retry = { delaysSeconds: [0.1] }
  const { authSecret, header, signing, query } = secrets
  const add = (name: string, at: string, given: Record<string, unknown> = {}): Promise<string> =>
    addWebhook(server, receiver, name, {
      retry,
      settings: {
        url: `${at}?token=${query}`,
        authKey: 'Bearer',
        authSecret,
        headers: { 'x-api-key': header },
        signingSecrets: [signing],
        timeoutSeconds: 1,
      },
      ...given,
    })
  const ways = ['ok', 'echo', '503', '401', 'long', 'away', 'redirect']
  for (const way of ways) await add(`way-${way}`, `${receiver.url}/${way}`)
  await add('nobody-listens', `http://127.0.0.1:${await deafPort()}/`)
  await add('quoting-filter', `${receiver.url}/ok`, { filter: '$error("quoted " & call.userNumber)' })
  await add('quoting-template', `${receiver.url}/ok`, { template: '$number(event.body.data.data.text)' })
  await add('empty-template', `${receiver.url}/ok`, { template: 'call.transcriptText = "" ? 1' })
  await act(server, '/destinations', {
    name: 'slack-path',
    kind: 'slack',
    retry,
    settings: { url: `${receiver.url}/503/services/${secrets.path}` },
  })
  await accepted(server, event('private'))
  // Held ones wait; all others have come to an end.
  await until(
    'the end of what ends',
    async () => {
      const pending = await listed(server, '/deliveries?state=pending')
      const all = await listed(server, '/deliveries')
      return all.length === ways.length + 5 + 5 && pending.length === 1
    },
    30_000,
  )

  // What a person looks up by id has the payload, and never a secret.
  const payloads = Object.values(payload)
  for (const { id } of await listed(server, '/deliveries')) {
    expectNone(
      `/deliveries/${String(id)}`,
      JSON.stringify(await shown(server, `/deliveries/${String(id)}`)),
      payloads,
    )
  }
  const urls = [secrets.query]
  expectNone('/destinations', JSON.stringify(await listed(server, '/destinations')), urls)
  for (const { id, name } of await listed(server, '/destinations')) {
    const { body } = await ask(server, 'POST', `/destinations/${String(id)}/test`, {})
    expectNone(`the test of ${String(name)}`, JSON.stringify(body), payloads)
  }
  expectNone('/audit', JSON.stringify(await listed(server, '/audit')))

  expectNone('the metrics', await (await fetch(`${server.url}/metrics`)).text())
  expect(await server.stop()).toBe(0)
  const log = server.output()
  expectNone('the log', log)
  for (const said of ['"msg":"delivered"', 'will be tried again', '"msg":"dead"', '"msg":"held"'])
    expect(log).toContain(said)
}, 60_000)

test('P8: an answer that refuses quotes no secret and nothing of a person, and neither does the log', async () => {
  const server = await startCanaries()
  const { authSecret, header, query } = secrets
  const url = `${receiver.url}/ok`
  const named = { name: 'crm', kind: 'webhook' }
  const refused: [string, string, unknown][] = [
    ['POST', '/destinations', { ...named, settings: { url, authSecret: `${authSecret}\n` } }],
    ['POST', '/destinations', { ...named, settings: { url, authSecret: [authSecret] } }],
    ['POST', '/destinations', { ...named, settings: { url, headers: { 'bad name': header } } }],
    ['POST', '/destinations', { ...named, settings: { url, headers: { authorization: header } } }],
    ['POST', '/destinations', { ...named, settings: { url, headers: { ok: `${header}\u0000` } } }],
    ['POST', '/destinations', { ...named, settings: { url, signingSecrets: [authSecret] } }],
    ['POST', '/destinations', { ...named, settings: { url, password: authSecret } }],
    ['POST', '/destinations', { ...named, kind: 'webhok', settings: { url, token: authSecret } }],
    ['POST', '/destinations', { ...named, kind: 'slack', settings: { token: authSecret, channel: '#x' } }],
    // Addresses with a token in the query, each wrong in its own way.
    ['POST', '/destinations', { ...named, settings: { url: `http://192.168.0.1/hook?token=${query}` } }],
    ['POST', '/destinations', { ...named, settings: { url: `ftp://192.0.2.1/hook?token=${query}` } }],
    ['POST', '/destinations', { ...named, settings: { url: `hooks.example.com/hook?token=${query}` } }],
    [
      'POST',
      '/destinations',
      { ...named, settings: { url: `https:/hooks example com/hook?token=${query}` } },
    ],
    ['POST', '/destinations', { ...named, settings: { url: `https://me:${query}@hooks.example.com/` } }],
    ['POST', '/destinations', { ...named, settings: { url: `me:${query}@hooks.example.com/` } }],
    ['PATCH', '/destinations/config-echo', { settings: { authSecret } }],
    ['POST', '/erase', { phone: { number: payload.phone } }],
    ['POST', '/erase', { phone: payload.name }],
    ['POST', '/erase', { param: { name: 'x', value: [payload.outcome] } }],
    ['POST', '/erase', { phone: payload.phone, callId: 'both' }],
  ]
  for (const [method, at, body] of refused) {
    const answer = await ask(server, method, at, body)
    const what = `${method} ${at} ${JSON.stringify(body)}`
    expect([400, 409], what).toContain(answer.status)
    expectNone(`the answer to ${what}`, JSON.stringify(answer.body))
  }
  expect(await listed(server, '/destinations')).toHaveLength(5)
  expect(await server.stop()).toBe(0)
  expectNone('the log', server.output())
})

test('P8: a start that is refused quotes no secret of the config file', async () => {
  const folder = await temporaryFolder()
  const broken = config
    .replace("authSecret: 'canary-config-secret' } })", "authSecret: 'canary-config-secret\\n' } })")
    .replace("'/echo?key=canary-query-token'", "'/echo?key=canary-query-token', extra: 'canary-header-value'")
    .replace("process.env.RECEIVER + '/ok?", "'hooks.example.com/ok?")
  await writeFile(path.join(folder, 'hookswitch.config.ts'), broken)
  const env = { ...loopbackAllowed, RECEIVER: receiver.url }
  const error = await startServerProcess({ folder, cwd: folder, env }).then(
    () => '',
    (refusal: Error) => refusal.message,
  )
  expect(error).toContain('destination')
  expect(error).toContain('authSecret')
  expect(error).toContain('extra')
  expect(error).toContain('url')
  expectNone('the refusal', error)
})
