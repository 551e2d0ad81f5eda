import { BlockList, isIP } from 'node:net'

export const addressExpectation = 'an address or a CIDR such as 10.0.0.0/8 or fd00::/8'

/** Reads addresses and CIDRs; a bare address is itself alone. `refused` are those that are neither. */
export function readAddressList(entries: readonly string[]): { list: BlockList; refused: string[] } {
  const list = new BlockList()
  const refused = entries.filter((entry) => !add(list, entry))
  return { list, refused }
}

function add(list: BlockList, entry: string): boolean {
  const [address = '', prefix, ...rest] = entry.split('/')
  const version = isIP(address)
  // A zone (`fe80::1%eth0`) means something on one machine only.
  if (version === 0 || rest.length > 0 || address.includes('%')) return false
  const bitsMax = version === 6 ? 128 : 32
  const bits = prefix === undefined ? bitsMax : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity
  if (bits > bitsMax) return false
  list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4')
  return true
}
