import { ApiError } from '../api/errors.ts'
import { invalidRequest } from '../api/invalid-request.ts'
import { destinationProblem, type SharedContext } from '../destinations/check-destinations.ts'
import type { ResolvedDestination } from '../destinations/read-destination.ts'
import { hasHiddenQuery } from '../destinations/shown-settings.ts'
import { endpointOf, readEndpointSettings, type EndpointOptions } from './endpoint.ts'

interface GivenEndpoint extends EndpointOptions {
  /** Null is none. */
  url?: unknown
  authKey?: unknown
  authSecret?: unknown
  signingSecrets?: unknown
}

/**
 * A webhook that was given over the API, of an agent or of one of its calls: right in form, and at an address that
 * deliveries may reach.
 *
 * @throws ApiError
 */
export async function givenEndpoint(
  agentId: string,
  given: GivenEndpoint,
  kindContext: SharedContext,
): Promise<ResolvedDestination> {
  const { url, authKey, authSecret, signingSecrets, ...options } = given
  const ofKind = Object.entries({ url, authKey, authSecret, signingSecrets })
  const settings = readEndpointSettings(
    Object.fromEntries(ofKind.filter(([, value]) => value !== undefined && value !== null)),
  )
  if (!settings.success) {
    const issues = settings.error.issues.map((issue) => ({ ...issue, path: ['webhook', ...issue.path] }))
    throw invalidRequest(issues, { webhook: { url, authKey, authSecret } }, 'json')
  }
  const endpoint = endpointOf(agentId, options, settings.data)
  if (hasHiddenQuery(endpoint.definition.settings['url'])) {
    throw new ApiError(
      'invalid_request',
      'webhook.url ends with ?…, which stands for a query that is not shown; give the URL whole',
    )
  }
  const problem = await destinationProblem(endpoint, kindContext)
  if (problem !== null) throw new ApiError('invalid_request', problem.replace(/^settings\./, 'webhook.'))
  return endpoint
}
