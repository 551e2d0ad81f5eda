import type { DestinationConfig, DestinationOptions } from '../config.ts'

export interface TeamsSettings {
  /** The URL of a workflow with the trigger "When a Teams webhook request is received". */
  url: string | undefined
}

/** What a template returns: text in the Markdown of Adaptive Cards, or a whole Adaptive Card. */
export type TeamsContent = string | ({ type: 'AdaptiveCard' } & Record<string, unknown>)

/**
 * A destination that posts to a Microsoft Teams channel or chat, by a workflow.
 *
 * @example
 * teams({ name: 'ops', events: ['call.ended'], settings: { url: process.env.TEAMS_URL } })
 */
export function teams(options: DestinationOptions<TeamsSettings, TeamsContent>): DestinationConfig {
  return { kind: 'teams', ...options }
}
