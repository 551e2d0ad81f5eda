import type { IncomingMessage } from 'node:http'
import { isIP, type BlockList } from 'node:net'

/**
 * The address of the sender. `X-Forwarded-For` counts only as far as it was written by proxies that are trusted: it
 * is read from its end, and the first address that is not a trusted proxy is the sender.
 */
export function senderAddress(trusted: BlockList | null): (request: IncomingMessage) => string {
  return (request) => {
    const peer = plainAddress(request.socket.remoteAddress ?? '')
    if (trusted === null || !contains(trusted, peer)) return peer
    const forwarded = request.headers['x-forwarded-for']
    const hops = (Array.isArray(forwarded) ? forwarded.join(',') : (forwarded ?? ''))
      .split(',')
      .map((hop) => plainAddress(hop.trim()))
    let sender = peer
    for (const hop of hops.toReversed()) {
      if (isIP(hop) === 0) break
      sender = hop
      if (!contains(trusted, hop)) break
    }
    return sender
  }
}

export function contains(list: BlockList, address: string): boolean {
  const family = isIP(address)
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/** An IPv4 address that came over an IPv6 socket is written as IPv4. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}
