import { describe, expect, test } from 'vitest'
import { login, toServer } from './email-server.ts'
import { messageOf, running } from './open-kind.ts'
import { refusal, startMailServer } from './smtp-peer.ts'

describe('what a mail server answers', () => {
  const rcpt = (code: number, words: string) => ({
    onRcptTo: (_address: unknown, _session: unknown, callback: (error: Error) => void) =>
      callback(refusal(code, words)),
  })

  test.each([
    [450, '4.2.1 greylisted, try again', 'retry'],
    [452, '4.2.2 mailbox full', 'retry'],
    [550, '5.1.1 no such user', 'reject'],
    [552, '5.3.4 too large', 'reject'],
    [530, '5.7.0 authentication required', 'auth'],
  ])('%i %s to a recipient is %s', async (code, words, verdict) => {
    const server = await startMailServer(rcpt(code, words))
    const result = await toServer(server.port).send(messageOf(), running)
    expect(result).toMatchObject({ verdict, status: code, cause: null, retryAfterMs: null })
    expect(result.message).toContain(`answered ${code} to RCPT TO`)
    expect(result.message, 'the words may hold addresses').not.toContain(words)
    expect(result.response?.body).toContain(words)
  })

  test.each([
    [451, 'retry'],
    [554, 'reject'],
  ])('%i to a message is %s', async (code, verdict) => {
    const server = await startMailServer({
      onData(stream, _session, callback) {
        stream.resume()
        stream.on('end', () => callback(refusal(code, 'not this one')))
      },
    })
    expect(await toServer(server.port).send(messageOf(), running)).toMatchObject({ verdict, status: code })
  })

  test('a server that takes no mail now is tried again, whatever it calls that', async () => {
    const server = await startMailServer({
      onConnect: (_session, callback) => callback(refusal(554, 'no SMTP service here')),
    })
    const result = await toServer(server.port).send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'retry', status: 554, cause: 'protocol' })
  })

  test('a wrong password holds the destination', async () => {
    const server = await startMailServer()
    const result = await toServer(server.port, { ...login, password: 'wrong' }).send(messageOf(), running)
    expect(result).toMatchObject({
      verdict: 'auth',
      status: 535,
      message: expect.stringContaining('password'),
    })
    expect(JSON.stringify(result)).not.toContain('wrong')
  })

  test('a login that cannot be looked up now is tried again', async () => {
    const server = await startMailServer({
      onAuth: (_auth, _session, callback) => callback(refusal(454, '4.7.0 temporary authentication failure')),
    })
    expect(await toServer(server.port, login).send(messageOf(), running)).toMatchObject({
      verdict: 'retry',
      status: 454,
    })
  })

  test('a server without the login that the settings name holds the destination - nothing goes out unasked', async () => {
    const server = await startMailServer({ disabledCommands: ['AUTH'] })
    expect(await toServer(server.port, login).send(messageOf(), running)).toMatchObject({ verdict: 'auth' })
    expect(server.mails).toHaveLength(0)
  })
})
