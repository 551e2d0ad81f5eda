import { readSecretFile } from '@hookswitch/server'
import { isOwnAddress } from './server-address.ts'
import type { Context } from '../context.ts'

/** The secret of the environment; the one in the data folder only for the server that it was made for. */
export async function senderSecret(target: string, context: Context): Promise<string | null> {
  const environment = context.environment()
  const [secret] = environment.webhookSecrets ?? []
  if (secret !== undefined) return secret
  return isOwnAddress(new URL(target), environment)
    ? readSecretFile(environment.dataDir, 'webhook-secret')
    : null
}
