import { ConfigurationError } from '@hookswitch/server'
import type { Page } from '../api/api-client.ts'
import { connect } from '../api/connection.ts'
import type { ApiDestination, ApiLane } from '../api/delivery-shapes.ts'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { passed, warning, type Check } from './check.ts'

const name = 'deliveries'

/** The largest page of the API, and more than a person reads here. */
const listedMax = 200

/** What waits for a person: destinations that are held, lanes that are parked. Nothing where no server can be asked. */
export async function checkDeliveries(context: Context): Promise<Check[]> {
  try {
    const api = await connect({}, context)
    const destinations = await api.get<Page<ApiDestination>>('/destinations', { limit: listedMax })
    const lanes = await api.get<Page<ApiLane>>('/lanes', { state: 'parked', limit: listedMax })
    return [checkOf(destinations.value, lanes.value)]
  } catch (error) {
    // Of a token file that cannot be read, the look at the secrets tells.
    if (error instanceof CommandFailure || error instanceof ConfigurationError) return []
    throw error
  }
}

function checkOf(destinations: Page<ApiDestination>, parked: Page<ApiLane>): Check {
  const held = destinations.items.flatMap(({ name: destination, state }) => {
    if (state.state === 'active') return []
    return [`${destination} is held (${state.reason}${state.detail === null ? '' : `: ${state.detail}`})`]
  })
  const waiting = parked.items.length === 0 ? held : [...held, parkedText(parked)]
  if (waiting.length === 0) return passed(name, 'No destination is held, and no lane is parked.')
  return warning(
    name,
    `${waiting.join('; ')}.`,
    'See "hookswitch destinations" and "hookswitch lanes --state parked"; their "resume" lets go on what waits.',
  )
}

function parkedText({ items, nextCursor }: Page<ApiLane>): string {
  const count = nextCursor === null ? String(items.length) : `more than ${items.length}`
  const owners = new Set(items.map(({ destination }) => destination.name))
  const noun = items.length === 1 ? 'lane is' : 'lanes are'
  return `${count} ${noun} parked, of ${[...owners].join(', ')}`
}
