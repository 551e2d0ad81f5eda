import { expect } from 'vitest'
import type { FailureCause } from '@hookswitch/core'
import {
  answersSlowly,
  answers,
  babbles,
  cutsOff,
  hangs,
  hangsUp,
  neverEnds,
  overdoesHeaders,
  resetsAtOnce,
} from './misbehave.ts'
import { deafPort, type Peer, type PeerAnswer } from './peer.ts'
import type { DestinationCase, DestinationUse } from './suite.ts'

/** What every try without an answer comes to: tried again, with the reason. */
function failure(cause: FailureCause) {
  return { verdict: 'retry', status: null, cause, message: expect.any(String), response: null }
}

const timeIsOver = new DOMException('the time of the try is over', 'TimeoutError')

/** Sends, and ends the try as the engine does when its time is over, once the peer has the request. */
async function sendUntilReached({ send }: DestinationUse, service: Peer, reason: Error = timeIsOver) {
  const ending = new AbortController()
  const sent = send(service.url, { signal: ending.signal })
  await service.reached()
  ending.abort(reason)
  return sent
}

function noAnswer(name: string, answer: PeerAnswer, cause: FailureCause): DestinationCase {
  return {
    name,
    async run({ peer, send }) {
      const service = await peer(answer)
      expect(await send(service.url)).toMatchObject(failure(cause))
      expect(service.requests, 'a try is one request').toHaveLength(1)
    },
  }
}

export const failureCases: DestinationCase[] = [
  ...[hangs, answersSlowly].map(
    (answer) =>
      ({
        name: `a peer that ${answer === hangs ? 'hangs' : 'does not end its headers'} costs the time of the try`,
        async run(use) {
          const service = await use.peer(answer)
          expect(await sendUntilReached(use, service)).toMatchObject(failure('timeout'))
        },
      }) satisfies DestinationCase,
  ),
  {
    name: 'a stop ends the try with its reason - it is nothing that the destination did',
    async run(use) {
      const stopped = new Error('the node stops')
      const service = await use.peer(hangs)
      await expect(sendUntilReached(use, service, stopped)).rejects.toBe(stopped)
    },
  },
  {
    name: 'a try that was ended before it began reaches nobody',
    async run({ peer, send, accepts }) {
      const stopped = new Error('the node stops')
      const service = await peer(answers(accepts))
      await expect(send(service.url, { signal: AbortSignal.abort(stopped) })).rejects.toBe(stopped)
      expect(service.connections()).toBe(0)
    },
  },
  {
    name: 'a success whose body is cut off is a success - the receiver has said what it made of the event',
    async run({ peer, send, accepts }) {
      const service = await peer(cutsOff(accepts))
      expect(await send(service.url)).toMatchObject({
        verdict: 'delivered',
        status: accepts.status,
        response: { body: accepts.body ?? '', truncated: true },
      })
      expect(service.requests, 'and is not sent again').toHaveLength(1)
    },
  },
  {
    name: 'a failure whose body is cut off is judged by its status',
    async run({ peer, send }) {
      const service = await peer(cutsOff({ status: 500, body: 'oh no' }))
      expect(await send(service.url)).toMatchObject({
        verdict: 'retry',
        status: 500,
        response: { truncated: true },
      })
    },
  },
  {
    name: 'a body without end is read up to a limit, and the connection is given up',
    async run({ peer, send }) {
      const service = await peer(neverEnds({ status: 503, body: 'oh no' }))
      const result = await send(service.url)
      expect(result).toMatchObject({ verdict: 'retry', status: 503, response: { truncated: true } })
      expect(result.response?.body).toMatch(/^oh nox+$/)
      await service.deserted()
    },
  },
  noAnswer('an answer that is not HTTP says nothing', babbles, 'protocol'),
  noAnswer('an answer with headers past all measure is not read', overdoesHeaders, 'protocol'),
  noAnswer('a connection that is closed instead of an answer was lost', hangsUp, 'reset'),
  {
    name: 'a peer that resets each connection is not there',
    async run({ peer, send }) {
      const service = await peer(hangs, resetsAtOnce)
      expect(await send(service.url)).toMatchObject(failure('reset'))
    },
  },
  {
    name: 'a port on which nobody listens refuses',
    async run({ send }) {
      expect(await send(`http://127.0.0.1:${await deafPort()}`)).toMatchObject(failure('refused'))
    },
  },
  {
    name: 'a certificate that nobody vouches for ends the try before the request',
    async run({ peer, send, accepts }) {
      const service = await peer(answers(accepts), { secure: true })
      expect(await send(service.url)).toMatchObject(failure('tls'))
      expect(service.requests).toHaveLength(0)
    },
  },
  {
    name: 'a name without an address fails as one',
    async run({ send }) {
      const resolve = () => Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
      expect(await send('https://nowhere.example', { egress: { resolve } })).toMatchObject(failure('dns'))
    },
  },
  {
    name: 'an address that deliveries may not reach is refused when it is set, and not connected to',
    async run({ peer, send, check, accepts, urlSetting }) {
      const service = await peer(answers(accepts), { secure: true })
      const problem = await check(service.url, { allow: null })
      expect(problem).toMatchObject({ setting: urlSetting, problem: expect.stringContaining('loopback') })
      expect(await send(service.url, { egress: { allow: null } })).toMatchObject(failure('blocked'))
      expect(service.connections()).toBe(0)
    },
  },
  {
    name: 'a name that leads elsewhere by the time of the connection is not connected to - DNS rebinding',
    async run({ peer, kind, send, check, settings, accepts }) {
      const service = await peer(answers(accepts), { secure: true })
      let asked = 0
      const resolve = () => {
        asked += 1
        return Promise.resolve([{ address: asked === 1 ? '93.184.215.14' : '127.0.0.1', family: 4 }])
      }
      const base = `https://rebound.example:${service.port}`
      expect(kind.settings.safeParse(settings(base)).success).toBe(true)
      expect(await check(base, { allow: null, resolve }), 'a public address at first').toBeNull()
      expect(await send(base, { egress: { allow: null, resolve } })).toMatchObject(failure('blocked'))
      expect(service.connections()).toBe(0)
    },
  },
  {
    name: 'plain http goes to addresses that are allowed by name, and to no other',
    async run({ send, check, urlSetting }) {
      const resolve = () => Promise.resolve([{ address: '93.184.215.14', family: 4 }])
      expect(await check('http://public.example', { resolve })).toMatchObject({ setting: urlSetting })
      expect(await send('http://public.example', { egress: { resolve } })).toMatchObject(failure('blocked'))
    },
  },
]
