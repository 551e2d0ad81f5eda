import type { DestinationConfig, WebhookSettings } from '@hookswitch/destinations/config'
import type { JsonSchema } from '@hookswitch/events'

/** What `hookswitch.config.ts` exports. Unknown keys are refused. */
export interface HookswitchConfig {
  /**
   * Where events come in, by name: `POST /webhook/{name}`. Names are 1 to 64 of `a-z 0-9 _ -` and begin with a letter
   * or digit. `hamsa`, which is also `POST /webhook`, is always there, named here or not.
   */
  sources?: Readonly<Record<string, SourceConfig>>
  /** What is known about an agent, by its id. */
  agents?: Readonly<Record<string, AgentConfig>>
  /** Where events go, as `webhook({ … })`, `slack({ … })` and the other functions named after the kinds give it. */
  destinations?: readonly DestinationConfig[]
  /** How long what is stored is kept. */
  retention?: RetentionConfig
}

/** Days, a fraction of one is fine; null keeps it for good. */
export interface RetentionConfig {
  /** Attempts with their requests and answers, and finished deliveries; 30 by default. */
  attemptsDays?: number | null
  /** Transcripts and tool runs in the records of calls; kept by default. */
  transcriptsDays?: number | null
  /** The records of calls; kept by default. */
  recordsDays?: number | null
  /** Events with the bytes as they came, once they are folded and delivered; kept by default. */
  eventsDays?: number | null
}

export interface SourceConfig {
  /**
   * Secrets that a sender may show in its Authorization header; a leading `Bearer ` is ignored. Those that were made
   * with `hookswitch tokens`, and for `hamsa` those of `WEBHOOK_SECRET`, are valid beside them. One that is undefined
   * (a variable that is not set) or empty is refused at start.
   */
  secrets?: readonly (string | undefined)[]
  /** Says that no secret is asked for: whoever knows the address can send. */
  auth?: 'none'
  /** Addresses and CIDRs that may send; without entries everybody may. */
  ipAllow?: readonly string[]
  /**
   * Bodies must also be signed as Standard Webhooks: `whsec_…` (HMAC), `whpk_…` (ed25519). For a sender that signs and
   * sends no Authorization header, add `auth: 'none'`.
   */
  standardWebhooks?: { secrets: readonly (string | undefined)[] }
  limits?: {
    /** Largest body in bytes; 10 MiB by default and at most. */
    bodyBytesMax?: number
  }
}

export interface AgentConfig {
  /** As its events and the pages call it; its id by default. Of an agent of one's own, which publishes events here. */
  name?: string
  /** `projectId` of the events that it publishes. */
  project?: string | null
  /** Where the events go that it publishes here. */
  webhook?: AgentWebhookConfig
  /** Names of the params that are sent along with each call and come back inside its outcome. */
  echo?: readonly string[]
  /**
   * The agent's outcome schema: JSON Schema (draft 2020-12, or 07 where `$schema` says so), or a schema of a library
   * with Standard JSON Schema (`~standard.jsonSchema`), such as zod.
   */
  outcome?: JsonSchema | StandardJsonSchema
}

/** The webhook of an agent of one's own; each attempt has 5 seconds. */
export interface AgentWebhookConfig extends Pick<DestinationConfig, 'events' | 'retry'> {
  /** https; plain http only to addresses that `HOOKSWITCH_EGRESS_ALLOW` names. */
  url: string | undefined
  /** Sent as `Authorization: {authKey} {authSecret}`; without a key the secret stands alone. */
  authKey?: string
  authSecret?: string | undefined
  /** Signs as Standard Webhooks has it, as the `signingSecrets` of a webhook destination do. */
  signingSecrets?: WebhookSettings['signingSecrets']
  limits?: DestinationConfig['limits'] & {
    /** Hours of failure after which it is held until a person resumes it; 48 by default, null for never. */
    failingHours?: number | null
  }
}

/** A schema that can say itself as JSON Schema (standardschema.dev). */
export interface StandardJsonSchema {
  readonly '~standard': {
    readonly jsonSchema: { readonly input: (options: { readonly target: string }) => Record<string, unknown> }
  }
}

/**
 * Gives the config its type, and changes nothing.
 *
 * @example
 * export default defineConfig({
 *   sources: { hamsa: { secrets: [process.env.HAMSA_SECRET] } },
 *   agents: { 'agent-123': { echo: ['application_id'] } },
 *   destinations: [webhook({ name: 'crm', settings: { url: 'https://crm.example/hook' } })],
 * })
 */
export function defineConfig(config: HookswitchConfig): HookswitchConfig {
  return config
}
