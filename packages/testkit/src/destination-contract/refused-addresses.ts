import { isIP } from 'node:net'

// Where deliveries may not go unless it is allowed: one table for all who refuse it.

/** Every class of address, at its edges and where it is best known. */
const refused: Record<string, string> = {
  'cloud metadata':
    '169.254.169.254 169.254.170.2 168.63.129.16 100.100.100.200 192.0.0.192 fd00:ec2::254 fd00:ec2::23 fd20:ce::254',
  unspecified: '0.0.0.0 0.0.0.1 0.255.255.255 ::',
  loopback: '127.0.0.1 127.0.0.53 127.1.2.3 127.255.255.255 ::1',
  private: '10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255 172.17.0.1 192.168.0.1 192.168.255.255',
  'unique local': 'fc00:: fc00::1 fd12:3456:789a::1 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  'carrier-grade NAT': '100.64.0.0 100.127.255.255',
  'link-local': '169.254.0.1 169.254.255.255 fe80::1 febf:ffff::1',
  'site-local': 'fec0::1 feff::1',
  broadcast: '255.255.255.255',
  multicast: '224.0.0.1 239.255.255.255 ff02::1 ff0e::1',
  documentation: '192.0.2.1 198.51.100.1 203.0.113.255 2001:db8::1 3fff::1 3fff:fff::1',
  benchmarking: '198.18.0.0 198.19.255.255 2001:2::1',
  'IPv4-mapped': '::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:a9fe:a9fe',
  'IPv4-compatible': '::127.0.0.1 ::7f00:1 ::8.8.8.8',
  NAT64: '64:ff9b::7f00:1 64:ff9b::8.8.8.8 64:ff9b:1::a00:1 64:ff9b:1:ffff::',
  '6to4': '2002:7f00:1:: 2002:808:808::1 192.88.99.1',
  Teredo: '2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2',
  ORCHID: '2001:10::1 2001:1f::1 2001:20::1 2001:2f:ffff::1',
  'protocol assignment': '192.0.0.1 192.0.0.255 2001:1::1 2001:4:112::1 2001:1ff::1',
  'segment routing': '5f00::1 5f00:ffff::1',
  'discard-only': '100::1',
  reserved: '240.0.0.1 250.1.2.3 255.255.255.254 200::1 400::1 1fff::1 4000::1 8000::1 fe00::1 ::1:0:0:0',
}

/** Each address with its class. */
export const refusedAddresses: readonly [address: string, name: string][] = Object.entries(refused).flatMap(
  ([name, listed]) => listed.split(' ').map((address): [string, string] => [address, name]),
)

/** How 127.0.0.1 and the metadata address are written to slip through; all of these are addresses, none is a name. */
export const refusedNotations: readonly [host: string, name: string][] = [
  ['127.1', 'loopback'],
  ['127.0.1', 'loopback'],
  ['2130706433', 'loopback'],
  ['0x7f000001', 'loopback'],
  ['0x7F.0x0.0x0.0x1', 'loopback'],
  ['0x7f.1', 'loopback'],
  ['0177.0.0.1', 'loopback'],
  ['017700000001', 'loopback'],
  ['0000177.0.0.01', 'loopback'],
  ['127.0.0.1.', 'loopback'],
  ['0x7f000001.', 'loopback'],
  ['%31%32%37.0.0.1', 'loopback'],
  ['127%2E0%2E0%2E1', 'loopback'],
  ['１２７.０.０.１', 'loopback'],
  ['127。0。0。1', 'loopback'],
  ['①②⑦.⓪.⓪.①', 'loopback'],
  ['[::1]', 'loopback'],
  ['[0000:0:0:0:0:0:0:0001]', 'loopback'],
  ['[::ffff:127.0.0.1]', 'IPv4-mapped'],
  ['[0:0:0:0:0:FFFF:7F00:1]', 'IPv4-mapped'],
  ['[64:ff9b::127.0.0.1]', 'NAT64'],
  ['0', 'unspecified'],
  ['0x0', 'unspecified'],
  ['2852039166', 'cloud metadata'],
  ['0xA9FEA9FE', 'cloud metadata'],
  ['0251.0376.0251.0376', 'cloud metadata'],
  ['169.16689662', 'cloud metadata'],
]

/** As a part of a URL. */
export function asHost(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address
}
