import { isIP } from 'node:net'
import type { Environment } from '@hookswitch/server'

/** Addresses that mean every address of the machine; one asks it at one of them. */
const everyAddress: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }

/** Where the server of this environment is asked from the same machine. */
export function localServerUrl({ tls, publicUrl, host, port }: Environment): string {
  // A certificate names the public host; at 127.0.0.1 it would not be believed.
  if (tls !== null && publicUrl !== null) return publicUrl
  const address = everyAddress[host] ?? host
  return `${tls === null ? 'http' : 'https'}://${isIP(address) === 6 ? `[${address}]` : address}:${port}`
}

/**
 * Whether a URL is this machine's own server: loopback, its HOST, or its public URL. Only there may what lies in the
 * data folder be shown unasked.
 */
export function isOwnAddress(url: URL, { host, publicUrl }: Environment): boolean {
  const name = url.hostname.replace(/^\[|\]$/g, '')
  if (name === 'localhost' || name.endsWith('.localhost') || name === '::1') return true
  if (isIP(name) === 4 && name.startsWith('127.')) return true
  return name === host || (publicUrl !== null && new URL(publicUrl).origin === url.origin)
}
