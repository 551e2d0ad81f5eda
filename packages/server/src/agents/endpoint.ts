import { agentSource, type DestinationDefinition } from '@hookswitch/core'
import { destinationKinds, type DestinationKind } from '@hookswitch/destinations'
import type { z } from 'zod'
import { isObject } from '../config/object-schema.ts'
import type { ResolvedDestination } from '../destinations/read-destination.ts'
import { splitSettings } from '../destinations/secret-settings.ts'

const webhookKind = destinationKinds.get('webhook') as DestinationKind

/** Those of the kind's settings that the webhook of an agent has. */
const ofKind = ['url', 'authKey', 'authSecret', 'signingSecrets']

/** What is set of the webhook of an agent besides the settings of its kind. */
export type EndpointOptions = Pick<DestinationDefinition, 'events' | 'retry' | 'limits'>

/**
 * Reads the settings of the kind among what was given for a webhook. One that is there and undefined is wrong, since
 * that is what a variable leaves behind that is not set.
 */
export function readEndpointSettings(given: unknown): z.ZodSafeParseResult<unknown> {
  const entries = isObject(given) ? Object.entries(given) : []
  return webhookKind.settings.safeParse(
    Object.fromEntries(entries.filter(([name]) => ofKind.includes(name))),
    {
      reportInput: true,
    },
  )
}

/**
 * The webhook of an agent as a destination: it takes the events that the agent publishes and no others, in order per
 * call.
 *
 * @param settings as they were read.
 */
export function endpointOf(
  agentId: string,
  { events, retry, limits }: EndpointOptions,
  settings: unknown,
): ResolvedDestination {
  const json = JSON.parse(JSON.stringify(settings)) as Record<string, unknown>
  const split = splitSettings(json, webhookKind)
  const source = agentSource(agentId)
  return {
    definition: {
      name: source,
      kind: webhookKind.name,
      events,
      scope: { sources: [source], agents: [agentId] },
      filter: null,
      template: null,
      lane: 'call',
      onExhausted: 'continue',
      retry,
      limits,
      settings: split.settings,
    },
    secrets: split.secrets,
    kind: webhookKind,
    settings,
  }
}
