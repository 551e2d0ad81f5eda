import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { endServerProcesses, startServerProcess, temporaryFolder, until } from '@hookswitch/testkit'
import {
  accepted,
  addWebhook,
  callEvent,
  listed,
  loopbackAllowed,
  shown,
  startDeliveryReceiver,
} from '@hookswitch/testkit/delivery-receiver'

afterAll(endServerProcesses)

/** Code that never ends for the events of one call and is well for all others, beside code that is always well. */
const config = `
import { defineConfig, handler, webhook } from 'hookswitch'

const at = (name) => process.env.RECEIVER + '/' + name
// So often that the broken code runs, or is about to, as long as the test looks.
const retry = { delaysSeconds: Array(50).fill(0.5) }
const isBad = ({ event }) => event.callId === 'bad'
const send = (name) => ({ event, signal }) =>
  fetch(at(name), { method: 'POST', headers: { 'webhook-id': event.id }, signal })

export default defineConfig({
  destinations: [
    webhook({
      name: 'function-backtracks',
      retry,
      settings: { url: at('function-backtracks') },
      filter: (context) => !isBad(context) || /^(a+)+$/.test('a'.repeat(40) + 'b'),
    }),
    handler({
      name: 'handler-loops',
      retry,
      run: async (context) => {
        while (isBad(context));
        await send('handler-loops')(context)
      },
    }),
    handler({ name: 'handler-well', run: send('handler-well') }),
  ],
})
`

/** By name of the destination. */
const jsonata = {
  'recursion-too-deep': '($f := function($n) { 1 + $f($n + 1) }; event.callId = "bad" ? $f(1) > 0 : true)',
  'recursion-in-last-place': '($f := function($n) { $f($n + 1) }; event.callId = "bad" ? $f(1) > 0 : true)',
  'jsonata-backtracks': `event.callId = "bad" ? $contains("${'a'.repeat(40)}b", /^(a+)+$/) : true`,
}

/** All whose code breaks, and what their deliveries then say of it. */
const reasons = {
  'recursion-too-deep': /^the filter failed \([UD]1\d\d\d/,
  'recursion-in-last-place': /^the filter did not end within \d/,
  'jsonata-backtracks': /^the filter did not give control back/,
  'function-backtracks': /^the filter did not give control back/,
  'handler-loops': /^the handler did not give control back/,
}

/** Those that have got everything, whatever the code of the others does. */
const well = ['plain', 'handler-well']

const events = 200

/** Far more than an answer takes beside anything; without isolation it is the time of code that never ends. */
const answerMsMax = 4_000

test('P5: code without end costs only its own lane a try - ingest, other destinations and other lanes go on', async () => {
  const receiver = await startDeliveryReceiver()
  const folder = await temporaryFolder()
  await writeFile(path.join(folder, 'hookswitch.config.ts'), config)
  const env = { ...loopbackAllowed, RECEIVER: receiver.url }
  const server = await startServerProcess({ folder, cwd: folder, env })
  const retry = { delaysSeconds: Array.from({ length: 50 }, () => 0.5) }
  await addWebhook(server, receiver, 'plain')
  for (const [name, filter] of Object.entries(jsonata)) {
    await addWebhook(server, receiver, name, { filter, retry })
  }

  const bad = await accepted(server, callEvent('bad', 0))
  await until(
    'the broken code to run',
    async () => server.output().includes('a work thread was replaced'),
    30_000,
  )
  const ids: string[] = []
  let slowestMs = 0
  for (let sent = 0; sent < events; sent += 1) {
    const begunAt = performance.now()
    ids.push(await accepted(server, callEvent(`call-${sent % 40}`, sent)))
    slowestMs = Math.max(slowestMs, performance.now() - begunAt)
  }
  expect(slowestMs).toBeLessThan(answerMsMax)

  // All of it arrives while the broken code goes on: those without it get everything, the others all but the event
  // that breaks them.
  for (const name of [...well, ...Object.keys(reasons)]) {
    const expected = new Set(well.includes(name) ? [bad, ...ids] : ids)
    const arrived = (): Set<string> => new Set(receiver.at(`/${name}`).map(({ id }) => id))
    await until(`all events at ${name}`, async () => arrived().size >= expected.size, 60_000)
    expect(arrived(), name).toEqual(expected)
  }
  await until(
    'nothing but what breaks to wait',
    async () => (await listed(server, '/deliveries?state=pending')).length === Object.keys(reasons).length,
  )
  expect(await listed(server, '/deliveries?state=dead')).toEqual([])

  const { destinations } = (await shown(server, `/events/${bad}/explain`)) as {
    destinations: { destination: { name: string }; state: string; delivery: { id: string } }[]
  }
  for (const {
    destination: { name },
    state,
    delivery,
  } of destinations) {
    if (well.includes(name)) {
      expect(state, name).toBe('delivered')
      continue
    }
    // What ran beside other code that broke was cut short, which is no try of its own.
    const own = await until(
      `a try of ${name}`,
      async () => {
        const { attempts } = (await shown(server, `/deliveries/${delivery.id}`)) as {
          attempts: { verdict: string; message: string }[]
        }
        const counted = attempts.filter(({ verdict }) => verdict !== 'interrupted')
        return counted.length > 0 ? counted : null
      },
      60_000,
    )
    for (const { verdict, message } of own) {
      expect(verdict, name).toBe('retry')
      expect(message).toMatch(reasons[name as keyof typeof reasons])
    }
  }
  for (const { state } of await listed(server, '/destinations')) expect(state).toEqual({ state: 'active' })
  // Also a stop does not wait for it.
  expect(await server.stop()).toBe(0)
  await receiver.close()
}, 180_000)
