import { createContext, runInContext } from 'node:vm'
import { beforeAll, describe, expect, test } from 'vitest'
import { bundled, bundleOf, sizeBudgets } from './bundle-size.ts'
import { ended } from './core-requests.ts'

const only = (names: string): string => `export { ${names} } from '@hookswitch/receiver'`

test.each(sizeBudgets.filter(({ from }) => from === '@hookswitch/receiver'))(
  '$names takes no more than $gzipBytesMax bytes',
  async (budget) => {
    const { gzipBytes } = await bundleOf(budget)
    expect(gzipBytes).toBeLessThanOrEqual(budget.gzipBytesMax)
    // A budget that has become too wide holds nothing.
    expect(gzipBytes).toBeGreaterThan(budget.gzipBytesMax * 0.8)
  },
)

test('to import it does nothing, and what is not used is dropped', async () => {
  expect(await bundled(`import '@hookswitch/receiver'`)).toMatchObject({ code: 'var program=(()=>{})();\n' })
  const { code } = await bundled(only('transcriptText'))
  for (const word of ['unauthorized', 'subtle', 'setTimeout', 'Rejected']) expect(code).not.toContain(word)
})

/** What a Web runtime has besides the language, of what is used. */
const webGlobals = {
  AbortController,
  AbortSignal,
  DOMException,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  atob,
  btoa,
  clearTimeout,
  crypto,
  performance,
  setTimeout,
}

describe('on a runtime with only the Web’s globals', () => {
  type Program = (request: Request) => Promise<{ status: number; text: string; told: unknown[] }>
  let run: Program

  beforeAll(async () => {
    const { code } = await bundled(`
      import { createReceiver, echoed, memoryDedupe, Rejected, transcriptText } from '@hookswitch/receiver'
      let told = []
      const receiver = createReceiver({
        secrets: ['X'],
        signature: { secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] },
        dedupe: memoryDedupe(),
        deadlineMs: 20,
        order: 'call',
        log: ({ event, reason }) => told.push(reason ?? event),
        onError: (error, { phase }) => told.push(phase + ' ' + error.name),
        now: () => 1614265330000,
        on: {
          'call.ended': ({ event, call, outcome }) => {
            told.push(transcriptText(event), call.status, outcome, echoed(event, ['application_id', 'user_id']))
          },
          'call.started': () => new Promise(() => {}),
          'call.answered': () => Promise.reject(new Rejected('never')),
        },
      })
      export const run = async (request) => {
        told = []
        const response = await receiver.fetch(request)
        return { status: response.status, text: await response.text(), told }
      }
    `)
    // Workers run no code from strings either.
    const context = createContext({ ...webGlobals }, { codeGeneration: { strings: false, wasm: false } })
    runInContext(code, context)
    for (const name of ['process', 'Buffer', 'require', 'global', 'setImmediate', 'module']) {
      expect(runInContext(`typeof ${name}`, context), name).toBe('undefined')
    }
    run = runInContext('program.run', context) as Program
  })

  async function ask(body: unknown, headers: Record<string, string> = {}): ReturnType<Program> {
    const { Webhook } = await import('standardwebhooks')
    const text = JSON.stringify(body)
    const signed = new Webhook('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
    return await run(
      new Request('https://app.example/', {
        method: 'POST',
        body: text,
        headers: {
          authorization: 'Bearer X',
          'webhook-id': 'msg_1',
          'webhook-timestamp': '1614265330',
          'webhook-signature': signed.sign('msg_1', new Date(1614265330000), text),
          ...headers,
        },
      }),
    )
  }

  test('an event is verified, handled, and known again', async () => {
    expect(await ask(ended())).toEqual({
      status: 200,
      text: '{"received":true,"id":"msg_1"}',
      told: [
        'Agent: Hello!\nUser: Hi.',
        'ended',
        { application_id: '12345', noticePeriod: null },
        { values: { application_id: '12345' }, missing: ['user_id'] },
        'accepted',
      ],
    })
    expect(await ask(ended())).toMatchObject({ status: 200, told: ['duplicate'] })
  })

  test('one that is late or refused, and senders who are nobody, are answered as everywhere', async () => {
    const late = await ask({ eventType: 'call.started', callId: 'call_2' })
    expect(late).toMatchObject({ status: 503, told: ['late TimeoutError', 'deadline'] })
    const refused = await ask({ eventType: 'call.answered', callId: 'call_3' })
    expect(refused).toMatchObject({ status: 200, told: ['handler Rejected', 'rejected'] })
    expect(refused.text).toContain('"processing_error":true')
    expect(await ask(ended(), { authorization: 'Bearer Y' })).toMatchObject({
      status: 401,
      told: ['secret_mismatch'],
    })
    const forged = await ask(ended(), { 'webhook-signature': 'v1,AAAA' })
    expect(forged).toMatchObject({ status: 401, told: ['signature_no_matching_signature'] })
    expect(await ask({ eventType: 'call.ended' })).toMatchObject({ status: 400, told: ['invalid_payload'] })
  })
})
