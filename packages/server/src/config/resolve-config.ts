import type { BlockList } from 'node:net'
import type { RetentionDays } from '@hookswitch/core'
import type { ResolvedDestination } from '../destinations/read-destination.ts'
import { ConfigurationError } from './configuration-error.ts'
import type { HookswitchConfig } from './config.ts'
import { configSchema, sourceSchema } from './config-schema.ts'
import { configProblems } from './config-problems.ts'
import type { OutcomeSchema } from './outcome-schema.ts'

/** The source that is always there, and that `POST /webhook` goes to. */
export const defaultSource = 'hamsa'

/** The config with every field filled. */
export interface ResolvedConfig {
  /** By name; `hamsa` is always among them. */
  sources: ReadonlyMap<string, ResolvedSource>
  /** By the agent's id. */
  agents: ReadonlyMap<string, ResolvedAgent>
  /** In the order of the file; the webhooks of agents are not among them. */
  destinations: readonly ResolvedDestination[]
  retention: RetentionDays
}

export interface ResolvedSource {
  name: string
  /** Those of the config alone. */
  secrets: readonly string[]
  /** `none`: no secret is asked for. */
  auth: 'secret' | 'none'
  /** Null where every address may send. */
  ipAllow: BlockList | null
  /** Keys of which one must have signed the body; null where none need have. */
  signatureSecrets: readonly string[] | null
  bodyBytesMax: number
}

export interface ResolvedAgent {
  /** Null where it is not set; its id stands for it then. */
  name: string | null
  project: string | null
  /** Where the events go that it publishes. */
  endpoint: ResolvedDestination | null
  echo: readonly string[] | null
  outcome: OutcomeSchema | null
}

/**
 * Fills and checks a config.
 *
 * @param file stands before each problem, `hookswitch.config.ts` by default.
 * @throws ConfigurationError with all problems at once: file, key, value (of a secret only what is wrong), expectation.
 */
export function resolveConfig(config: HookswitchConfig, file = 'hookswitch.config.ts'): ResolvedConfig {
  const parsed = configSchema.safeParse(config, { reportInput: true })
  if (!parsed.success) throw new ConfigurationError(configProblems(parsed.error.issues, config, file))
  const named = { [defaultSource]: sourceSchema.parse({}), ...parsed.data.sources }
  const sources = Object.entries(named).map(([name, given]): [string, ResolvedSource] => [
    name,
    {
      name,
      secrets: [...new Set(given.secrets)],
      auth: given.auth ?? 'secret',
      ipAllow: given.ipAllow,
      signatureSecrets: given.standardWebhooks?.secrets ?? null,
      bodyBytesMax: given.limits.bodyBytesMax,
    },
  ])
  const agents = Object.entries(parsed.data.agents).map(([id, given]): [string, ResolvedAgent] => [
    id,
    {
      name: given.name ?? null,
      project: given.project ?? null,
      endpoint: given.endpoint,
      echo: given.echo ?? null,
      outcome: given.outcome ?? null,
    },
  ])
  const { destinations, retention } = parsed.data
  return { sources: new Map(sources), agents: new Map(agents), destinations, retention }
}
