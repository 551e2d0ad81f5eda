import { ApiError } from '../api/errors.ts'
import { invalidRequest } from '../api/invalid-request.ts'
import { destinationProblem, type SharedContext } from '../destinations/check-destinations.ts'
import type { ResolvedDestination } from '../destinations/read-destination.ts'
import { hasHiddenQuery } from '../destinations/shown-settings.ts'
import { readEndpoint, type EndpointOptions } from './endpoint.ts'

/**
 * A webhook that was given over the API, of an agent or of one of its calls: right in form, and at an address that
 * deliveries may reach.
 *
 * @throws ApiError
 */
export async function givenEndpoint(
  agentId: string,
  { url, authKey, authSecret, ...others }: EndpointOptions,
  kindContext: SharedContext,
): Promise<ResolvedDestination> {
  const given = Object.entries({ url, authKey, authSecret })
  const ofKind = Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== null))
  const reading = readEndpoint(agentId, { ...ofKind, ...others })
  if (!reading.ok) {
    const issues = reading.issues.map((issue) => ({ ...issue, path: ['webhook', ...issue.path] }))
    throw invalidRequest(issues, { webhook: { url, authKey, authSecret } }, 'json')
  }
  if (hasHiddenQuery(reading.endpoint.definition.settings['url'])) {
    throw new ApiError(
      'invalid_request',
      'webhook.url ends with ?…, which stands for a query that is not shown; give the URL whole',
    )
  }
  const problem = await destinationProblem(reading.endpoint, kindContext)
  if (problem !== null) throw new ApiError('invalid_request', problem.replace(/^settings\./, 'webhook.'))
  return reading.endpoint
}
