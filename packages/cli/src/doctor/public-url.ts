import { BlockList, isIP } from 'node:net'
import { passed, warning, type Check } from './check.ts'

const name = 'public url'

/** Addresses that no one outside reaches. */
const inside = new BlockList()
for (const [network, prefix] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const) {
  inside.addSubnet(network, prefix, 'ipv4')
}
inside.addAddress('::1', 'ipv6')
inside.addSubnet('fc00::', 7, 'ipv6')
inside.addSubnet('fe80::', 10, 'ipv6')

/** Whether the platform can reach the address, as far as its shape tells; nothing is called. */
export function checkPublicUrl(publicUrl: string | null): Check {
  if (publicUrl === null) {
    return warning(
      name,
      'HOOKSWITCH_PUBLIC_URL is not set, so nothing says where the platform reaches this server.',
      'Put a proxy or a tunnel with https before the server and set HOOKSWITCH_PUBLIC_URL to its address.',
    )
  }
  const { protocol, hostname } = new URL(publicUrl)
  if (protocol !== 'https:') {
    return warning(
      name,
      `${publicUrl} is not https, which the platform insists on.`,
      'Serve https with TLS_CERT and TLS_KEY, or through a proxy, and set HOOKSWITCH_PUBLIC_URL to that address.',
    )
  }
  if (isInside(hostname)) {
    return warning(
      name,
      `${publicUrl} is an address that only this network knows.`,
      'Set HOOKSWITCH_PUBLIC_URL to the address where the server is reached from outside.',
    )
  }
  return passed(name, `${publicUrl} has the shape that the platform asks for.`)
}

function isInside(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  const version = isIP(host)
  if (version === 0)
    return (
      host === 'localhost' || /\.(?:localhost|local|internal|lan|test)$/.test(host) || !host.includes('.')
    )
  return inside.check(host, version === 6 ? 'ipv6' : 'ipv4')
}
