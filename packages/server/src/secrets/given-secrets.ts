import type { SecretOrigin } from '@hookswitch/core'
import { defaultSource, type ResolvedConfig } from '../config/resolve-config.ts'
import type { Environment } from '../environment.ts'
import type { StartSecrets } from './secret-files.ts'

/** A secret that is valid as long as it stands where it was given; the API cannot end it. */
export interface GivenSecret {
  source: string
  secret: string
  origin: Exclude<SecretOrigin, 'api'>
}

/** The secrets of environment, file and config. One that is given twice counts as given where it is named first. */
export function givenSecrets(
  environment: Pick<Environment, 'webhookSecrets'>,
  config: Pick<ResolvedConfig, 'sources'>,
  { webhookSecret }: Pick<StartSecrets, 'webhookSecret'>,
): GivenSecret[] {
  const given: GivenSecret[] = (environment.webhookSecrets ?? []).map((secret) => ({
    source: defaultSource,
    secret,
    origin: 'environment',
  }))
  if (webhookSecret !== null) given.push({ source: defaultSource, secret: webhookSecret, origin: 'file' })
  for (const source of config.sources.values()) {
    for (const secret of source.secrets) given.push({ source: source.name, secret, origin: 'config' })
  }
  return given
}
