import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { deafPort, startPeer, testCertificate } from '@hookswitch/testkit/destination-contract'
import { emailKind } from '../src/email/email-kind.ts'
import { addresses, login, toPublicServer, toServer } from './email-server.ts'
import { messageOf, openKind, running, surround } from './open-kind.ts'
import { startMailServer } from './smtp-peer.ts'

describe('the connection to a mail server', () => {
  test('a port on which nobody listens refuses', async () => {
    const result = await toServer(await deafPort()).send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'retry', status: null, cause: 'refused' })
  })

  test('a server that hangs costs the time of the try, and leaves no connection', async () => {
    const peer = await startPeer(() => {})
    const ending = new AbortController()
    const sent = toServer(peer.port).send(messageOf(), ending.signal)
    await expect.poll(() => peer.connections(), { timeout: 10_000 }).toBe(1)
    ending.abort(new DOMException('the time of the try is over', 'TimeoutError'))
    expect(await sent).toMatchObject({ verdict: 'retry', cause: 'timeout', status: null })
    await peer.deserted()
    await peer.close()
  })

  test('a stop ends the try with its reason', async () => {
    const peer = await startPeer(() => {})
    const ending = new AbortController()
    const stopped = new Error('the node stops')
    const sent = toServer(peer.port).send(messageOf(), ending.signal)
    await expect.poll(() => peer.connections(), { timeout: 10_000 }).toBe(1)
    ending.abort(stopped)
    await expect(sent).rejects.toBe(stopped)
    await peer.close()
  })

  test('something that is not a mail server is no delivery', async () => {
    const peer = await startPeer(() => {}, {
      onConnection: (socket) => socket.end('SSH-2.0-OpenSSH_9.6\r\n'),
    })
    expect(await toServer(peer.port).send(messageOf(), running)).toMatchObject({
      verdict: 'retry',
      status: null,
    })
    await peer.close()
  })

  test('a server that ends idle connections gets a new one', async () => {
    const server = await startMailServer()
    const destination = toServer(server.port)
    await destination.send(messageOf(), running)
    for (const connection of server.server.connections) connection.close()
    expect(await destination.send(messageOf(), running)).toMatchObject({ verdict: 'delivered' })
    expect(server.mails).toHaveLength(2)
  })

  test('a closed destination makes a new connection when it is used again', async () => {
    const server = await startMailServer()
    const destination = toServer(server.port)
    await destination.send(messageOf(), running)
    await destination.close()
    expect(await destination.send(messageOf(), running)).toMatchObject({ verdict: 'delivered' })
    expect(server.connections()).toBe(2)
  })

  test('is upgraded by STARTTLS also where plain would do, whatever the certificate', async () => {
    const server = await startMailServer()
    await toServer(server.port).send(messageOf(), running)
    expect(server.mails[0]?.encrypted).toBe(true)
  })

  test('may be plain only at an address that is allowed by name', async () => {
    const server = await startMailServer({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] })
    expect(await toServer(server.port).send(messageOf(), running)).toMatchObject({ verdict: 'delivered' })
    expect(server.mails[0]?.encrypted).toBe(false)

    const destination = await toPublicServer(server.port, login)
    const result = await destination.send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'retry', cause: 'tls' })
    expect(server.logins, 'no password went out in the clear').toEqual([])
    expect(server.mails).toHaveLength(1)
    await destination.close()
  })

  test.each([
    ['by STARTTLS', {}, false],
    ['from the first byte', { secure: true }, true],
  ])('is encrypted %s with a certificate that somebody vouches for', async (_how, settings, secure) => {
    const server = await startMailServer({ secure })
    const distrusting = await toPublicServer(server.port, { ...login, ...settings })
    expect(await distrusting.send(messageOf(), running)).toMatchObject({ verdict: 'retry', cause: 'tls' })
    expect(server.logins).toEqual([])
    await distrusting.close()

    const before = getCACertificates('default')
    setDefaultCACertificates([...before, testCertificate.cert])
    try {
      const trusting = await toPublicServer(server.port, { ...login, ...settings, host: 'localhost' })
      expect(await trusting.send(messageOf(), running)).toMatchObject({ verdict: 'delivered' })
      await trusting.close()
    } finally {
      setDefaultCACertificates(before)
    }
    expect(server.mails).toMatchObject([{ encrypted: true, user: login.user }])
  })

  test('an address that deliveries may not reach is refused when it is set, and not connected to', async () => {
    const server = await startMailServer()
    const set = emailKind.settings.parse({ host: '127.0.0.1', port: server.port, ...addresses })
    const problem = await emailKind.check(set, surround({ allow: null }))
    expect(problem).toMatchObject({ setting: 'host', problem: expect.stringContaining('loopback') })
    const result = await toServer(server.port, {}, { allow: null }).send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'retry', cause: 'blocked', status: null })
    expect(server.connections()).toBe(0)
  })

  test('a name that leads elsewhere by the time of the connection is not connected to - DNS rebinding', async () => {
    const server = await startMailServer()
    let asked = 0
    const resolve = () => {
      asked += 1
      return Promise.resolve([{ address: asked === 1 ? '93.184.215.14' : '127.0.0.1', family: 4 }])
    }
    const settings = { host: 'mail.example', port: server.port, ...addresses }
    const surroundings = { allow: null, resolve }
    expect(await emailKind.check(emailKind.settings.parse(settings), surround(surroundings))).toBeNull()
    const result = await openKind(emailKind, settings, surroundings).send(messageOf(), running)
    expect(result).toMatchObject({ verdict: 'retry', cause: 'blocked' })
    expect(server.connections()).toBe(0)
  })

  test('goes to the address that was checked - the name is asked for once', async () => {
    const server = await startMailServer()
    let asked = 0
    const resolve = () => {
      asked += 1
      return Promise.resolve([{ address: '127.0.0.1', family: 4 }])
    }
    const settings = { host: 'mail.example', port: server.port, ...addresses }
    await openKind(emailKind, settings, { resolve }).send(messageOf(), running)
    expect(server.mails).toHaveLength(1)
    expect(asked).toBe(1)
  })
})
