import { connect, isIPv6, type LookupFunction, type Socket } from 'node:net'
import type { LookupAddress } from 'node:dns'
import { connectionFailure, timeoutFailure } from '../egress/connection-failure.ts'
import type { Egress } from '../egress/egress.ts'

/** A mail server that has not taken the connection by then is away. */
const connectMsMax = 10_000

export interface SmtpSocket {
  connection: Socket
  /** Whether this address may be talked to without encryption. */
  plainAllowed: boolean
}

/**
 * Connects to a mail server by the rules of the egress. The name is resolved and checked once, and the connection
 * goes to what was checked; whether plain SMTP will do is asked of the very address that took the connection. So a
 * name that leads elsewhere a moment later changes nothing.
 *
 * @throws EgressFailure
 */
export async function connectSmtp(host: string, port: number, egress: Egress): Promise<SmtpSocket> {
  const addresses = await addressesOf(host, egress)
  const connection = await connected(host, port, addresses)
  const address = connection.remoteAddress ?? ''
  const plainAllowed = (await egress.check(`http://${inUrl(address)}:${port}`)) === null
  if (connection.destroyed) {
    throw connectionFailure(null, `${inUrl(host)}:${port}`, { secure: false, connected: true })
  }
  return { connection, plainAllowed }
}

/** A host as URLs write it. */
export function inUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host
}

function addressesOf(host: string, egress: Egress): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    egress.lookup(host, { all: true }, (error, found, family) => {
      if (error !== null) reject(error)
      else resolve(typeof found === 'string' ? [{ address: found, family: family ?? 4 }] : found)
    })
  })
}

function connected(host: string, port: number, addresses: LookupAddress[]): Promise<Socket> {
  const peer = `${inUrl(host)}:${port}`
  const lookup: LookupFunction = (_host, { all = false }, callback) => {
    const [first] = addresses
    if (all || first === undefined) callback(null, addresses)
    else callback(null, first.address, first.family)
  }
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, lookup, autoSelectFamily: true })
    const timer = setTimeout(() => {
      socket.destroy()
      reject(timeoutFailure(peer))
    }, connectMsMax)
    // It stays: until the mail client listens for errors itself, one would end the process.
    socket.on('error', (error) => {
      clearTimeout(timer)
      reject(connectionFailure(error, peer, { secure: false, connected: false }))
    })
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(socket)
    })
  })
}
