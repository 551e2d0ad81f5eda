import { expect } from 'vitest'
import { createApp, type Endpoint, type Entry } from './app.ts'
import type { WireAnswer } from './connection.ts'
import { expectAnswer, type Visitor } from './visitor.ts'

export interface Sending {
  authorization: string
  body: Uint8Array
}

/**
 * Sends them over one connection, and the same to a receiver without any adapter: answers and handler calls are the
 * same.
 */
export async function sendAsDirect(
  visitor: Visitor,
  endpoint: Endpoint,
  sendings: readonly Sending[],
): Promise<{ answers: WireAnswer[]; calls: Entry[] }> {
  const direct: Entry[] = []
  const app = createApp((entry) => direct.push(JSON.parse(JSON.stringify(entry)) as Entry))
  const connection = await visitor.connect()
  const answers: WireAnswer[] = []
  for (const { authorization, body } of sendings) {
    const expected = await app[endpoint].receive({
      method: 'POST',
      header: (name) => (name === 'authorization' ? authorization : null),
      body,
    })
    const answer = await visitor.sendOver(connection, endpoint, { authorization, body })
    expectAnswer(answer, expected)
    answers.push(answer)
  }
  const calls = direct.filter(({ what }) => what === 'call')
  expect(visitor.calls()).toEqual(calls)
  return { answers, calls }
}
