import { BlockList, isIP } from 'node:net'

/** Addresses that no public service has, or that lead back to where deliveries come from. */
interface AddressClass {
  /** As a message says it: `127.0.0.1 (loopback)`. */
  name: string
  ranges: readonly string[]
  /** Who says so; RFC 6890 and its registries at IANA hold most of them together. */
  source: string
}

/**
 * What deliveries do not reach unless it is allowed; the first class that an address is in names it. Forms of IPv6
 * that carry an IPv4 address are refused as they are, whatever they carry: no service has its address from them.
 * Of IPv6 only 2000::/3 is given out at all, so that everything outside of it is refused without being known here.
 */
export const addressClasses: readonly AddressClass[] = [
  {
    name: 'cloud metadata',
    ranges: ['169.254.169.254/32', '169.254.170.2/32', '168.63.129.16/32', '100.100.100.200/32'],
    source: 'EC2, GCE and Azure instance metadata; ECS task metadata; the Azure wire server; Alibaba Cloud',
  },
  {
    name: 'cloud metadata',
    ranges: ['192.0.0.192/32', 'fd00:ec2::254/128', 'fd00:ec2::23/128', 'fd20:ce::254/128'],
    source: 'Oracle Cloud; EC2 over IPv6; EKS pod identity; GCE over IPv6',
  },
  { name: 'unspecified', ranges: ['0.0.0.0/8', '::/128'], source: 'RFC 1122, 3.2.1.3; RFC 4291, 2.5.2' },
  { name: 'loopback', ranges: ['127.0.0.0/8', '::1/128'], source: 'RFC 1122, 3.2.1.3; RFC 4291, 2.5.3' },
  { name: 'private', ranges: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'], source: 'RFC 1918' },
  { name: 'unique local', ranges: ['fc00::/7'], source: 'RFC 4193' },
  { name: 'carrier-grade NAT', ranges: ['100.64.0.0/10'], source: 'RFC 6598' },
  { name: 'link-local', ranges: ['169.254.0.0/16', 'fe80::/10'], source: 'RFC 3927; RFC 4291, 2.5.6' },
  { name: 'site-local', ranges: ['fec0::/10'], source: 'RFC 3879' },
  { name: 'broadcast', ranges: ['255.255.255.255/32'], source: 'RFC 919, 7' },
  { name: 'multicast', ranges: ['224.0.0.0/4', 'ff00::/8'], source: 'RFC 5771; RFC 4291, 2.7' },
  {
    name: 'documentation',
    ranges: ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '2001:db8::/32', '3fff::/20'],
    source: 'RFC 5737; RFC 3849; RFC 9637',
  },
  { name: 'benchmarking', ranges: ['198.18.0.0/15', '2001:2::/48'], source: 'RFC 2544; RFC 5180' },
  { name: 'IPv4-mapped', ranges: ['::ffff:0:0/96'], source: 'RFC 4291, 2.5.5.2' },
  { name: 'IPv4-compatible', ranges: ['::/96'], source: 'RFC 4291, 2.5.5.1' },
  { name: 'NAT64', ranges: ['64:ff9b::/96', '64:ff9b:1::/48'], source: 'RFC 6052; RFC 8215' },
  { name: '6to4', ranges: ['2002::/16', '192.88.99.0/24'], source: 'RFC 3056; RFC 7526' },
  { name: 'Teredo', ranges: ['2001::/32'], source: 'RFC 4380' },
  { name: 'ORCHID', ranges: ['2001:10::/28', '2001:20::/28'], source: 'RFC 4843; RFC 7343' },
  { name: 'protocol assignment', ranges: ['192.0.0.0/24', '2001::/23'], source: 'RFC 6890; RFC 2928' },
  { name: 'segment routing', ranges: ['5f00::/16'], source: 'RFC 9602' },
  { name: 'discard-only', ranges: ['100::/64'], source: 'RFC 6666' },
  { name: 'reserved', ranges: ['240.0.0.0/4'], source: 'RFC 1112, 4' },
  {
    name: 'reserved',
    ranges: ['::/3', '4000::/2', '8000::/1'],
    source: 'RFC 4291, 4; IANA, IPv6 Address Space',
  },
]

// One list for each version: a list of both compares an IPv4 address in its mapped form too.
const lists = addressClasses.map(({ name, ranges }) => ({
  name,
  ipv4: listOf(ranges, 4),
  ipv6: listOf(ranges, 6),
}))

/** The class of an address; null for one on the public internet. What is no address is `not an address`. */
export function addressClass(address: string): string | null {
  const version = isIP(address)
  if (version === 0) return 'not an address'
  const bare = address.split('%', 1)[0] ?? ''
  const found = lists.find(({ ipv4, ipv6 }) =>
    version === 4 ? ipv4.check(bare, 'ipv4') : ipv6.check(bare, 'ipv6'),
  )
  return found?.name ?? null
}

function listOf(ranges: readonly string[], version: 4 | 6): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', bits] = range.split('/')
    if (isIP(network) === version) list.addSubnet(network, Number(bits), version === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}
