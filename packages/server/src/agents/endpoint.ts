import { agentSource, type DestinationDefinition } from '@hookswitch/core'
import { destinationKinds, type DestinationKind } from '@hookswitch/destinations'
import type { z } from 'zod'
import type { ResolvedDestination } from '../destinations/read-destination.ts'
import { splitSettings } from '../destinations/secret-settings.ts'

const webhookKind = destinationKinds.get('webhook') as DestinationKind

/** What is set of the webhook of an agent; the first four as they were given. */
export interface EndpointOptions extends Pick<DestinationDefinition, 'events' | 'retry' | 'limits'> {
  url?: unknown
  authKey?: unknown
  authSecret?: unknown
  signingSecrets?: unknown
}

export type EndpointReading =
  { ok: true; endpoint: ResolvedDestination } | { ok: false; issues: z.core.$ZodIssue[] }

/**
 * The webhook of an agent as a destination: it takes the events that the agent publishes and no others, in order per
 * call. What is wrong with its settings is said at their place in the webhook; one that is there and undefined is
 * wrong, since that is what a variable leaves behind that is not set.
 */
export function readEndpoint(
  agentId: string,
  { events, retry, limits, ...given }: EndpointOptions,
): EndpointReading {
  const settings = webhookKind.settings.safeParse(given, { reportInput: true })
  if (!settings.success) return { ok: false, issues: settings.error.issues }
  const json = JSON.parse(JSON.stringify(settings.data)) as Record<string, unknown>
  const split = splitSettings(json, webhookKind)
  const source = agentSource(agentId)
  return {
    ok: true,
    endpoint: {
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
      settings: settings.data,
    },
  }
}
