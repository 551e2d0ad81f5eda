import type { LookupAddress } from 'node:dns'
import { lookup as lookupName } from 'node:dns/promises'
import { type BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'
import { addressClass } from './address-class.ts'
import { EgressFailure } from './egress.ts'

/** From a name to all of its addresses, as the operating system has them. */
export type Resolve = (hostname: string) => Promise<LookupAddress[]>

export const resolveBySystem: Resolve = (hostname) => lookupName(hostname, { all: true })

/** Plain http is for addresses that are allowed by name; everything else may go to any public one. */
export type Transport = 'plain http' | 'any'

/** Which addresses deliveries may reach, asked before settings are kept and again at each connection. */
export interface Reach {
  /**
   * Why deliveries may not go to this host, as the end of a sentence ("leads to …"), or null. A name that cannot be
   * resolved now is no reason.
   */
  refusal(host: string, transport: Transport): Promise<string | null>
  /** Why an address may not be connected to, or null. */
  addressRefusal(address: string, transport: Transport): string | null
  /** For `net.connect`: gives only addresses that may be connected to, so that nothing can change in between. */
  lookup(transport: Transport): LookupFunction
}

export function createReach(allow: BlockList | null, resolve: Resolve): Reach {
  const resolveOnce = sharingLookups(resolve)
  const addressesOf = async (host: string): Promise<LookupAddress[]> => {
    const family = isIP(host)
    return family === 0 ? resolveOnce(host) : [{ address: host, family }]
  }

  const addressRefusal = (address: string, transport: Transport): string | null => {
    if (allow?.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') === true) return null
    const name = addressClass(address)
    if (name !== null)
      return `${address} (${name}), where deliveries go only if HOOKSWITCH_EGRESS_ALLOW says so`
    if (transport === 'any') return null
    return `${address} by plain http, expected https: http is for what HOOKSWITCH_EGRESS_ALLOW names`
  }

  const firstRefusal = (addresses: readonly LookupAddress[], transport: Transport): string | null => {
    for (const { address } of addresses) {
      const refusal = addressRefusal(address, transport)
      if (refusal !== null) return refusal
    }
    return null
  }

  return {
    addressRefusal,

    async refusal(host, transport) {
      const refusal = firstRefusal(await addressesOf(host).catch(() => []), transport)
      return refusal === null ? null : `leads to ${refusal}`
    },

    lookup(transport) {
      return (hostname, options, callback) => {
        addressesOf(hostname)
          .then((found) => {
            // One address that is refused refuses the name: it would be a matter of luck which one is taken.
            const refusal = firstRefusal(found, transport)
            if (refusal !== null) throw new EgressFailure('blocked', `${hostname} leads to ${refusal}`)
            const family = Number(String(options.family ?? 0).replace('IPv', ''))
            const addresses = found.filter((one) => family === 0 || one.family === family)
            const [first] = addresses
            if (first === undefined) throw new EgressFailure('dns', `${hostname} has no address`)
            return { addresses, first }
          })
          .then(
            ({ addresses, first }) => {
              if (options.all === true) callback(null, addresses)
              else callback(null, first.address, first.family)
            },
            (error: unknown) => callback(lookupFailure(hostname, error), []),
          )
      }
    },
  }
}

function lookupFailure(hostname: string, error: unknown): EgressFailure {
  if (error instanceof EgressFailure) return error
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
  return new EgressFailure('dns', `${hostname} cannot be resolved${code}`, { cause: error })
}

/**
 * Asks once for each name at a time. The system resolves two names at once and no more: ten connections to a name
 * whose server does not answer would keep every other destination from its own.
 */
function sharingLookups(resolve: Resolve): Resolve {
  const underWay = new Map<string, Promise<LookupAddress[]>>()
  return (hostname) => {
    let asked = underWay.get(hostname)
    if (asked === undefined) {
      asked = resolve(hostname).finally(() => underWay.delete(hostname))
      underWay.set(hostname, asked)
    }
    return asked
  }
}
