import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { endServerProcesses, post, startServerProcess } from '@hookswitch/testkit'

afterAll(endServerProcesses)

test('a server whose log nobody reads any more goes on receiving - the log is not what it is there for', async () => {
  const server = await startServerProcess()
  server.process.stdout?.destroy()
  for (let number = 0; number < 4; number += 1) {
    const body = JSON.stringify({ eventType: 'call.ended', callId: `unread-${number}` })
    expect((await post(server, body)).status).toBe(200)
    // Longer than a line is kept back, so that each of these meets the closed pipe.
    await delay(250)
  }
  expect(await server.stop()).toBe(0)
})
