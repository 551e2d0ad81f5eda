import type { Command } from 'commander'
import { readSecretFile } from '@hookswitch/server'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'
import { createApiClient, type ApiClient } from './api-client.ts'
import { isOwnAddress, localServerUrl } from './server-address.ts'
import { serverUrlOption } from './url-option.ts'

export interface ConnectionOptions {
  url?: string
  token?: string
}

/** The options of every command that asks a running server. */
export function addConnectionOptions(command: Command): Command {
  return command
    .option('--url <url>', 'the server (default: the local one, by HOST and PORT)', serverUrlOption)
    .option(
      '--token <token>',
      'its admin token (default: HOOKSWITCH_ADMIN_TOKEN, or the one in the data folder)',
    )
}

/**
 * The API that the options and the environment name.
 *
 * @param option what the command calls `url`.
 */
export async function connect(
  options: ConnectionOptions,
  context: Context,
  option = '--url',
): Promise<ApiClient> {
  if (options.url !== undefined && options.token !== undefined) {
    return createApiClient(options.url, options.token, option)
  }
  const environment = context.environment()
  const url = options.url ?? localServerUrl(environment)
  const token = options.token ?? environment.adminToken
  if (token !== null) return createApiClient(url, token, option)
  // What was made for the server of this data folder is nobody else's business.
  if (!isOwnAddress(new URL(url), environment)) {
    throw new CommandFailure(
      'usage',
      `The admin token of ${url} is not known. Give it with --token or HOOKSWITCH_ADMIN_TOKEN.`,
    )
  }
  const made = await readSecretFile(environment.dataDir, 'admin-token')
  if (made !== null) return createApiClient(url, made, option)
  throw new CommandFailure(
    'usage',
    `There is no admin token in ${environment.dataDir}. Give it with --token or HOOKSWITCH_ADMIN_TOKEN, or name ` +
      'the folder of the server with HOOKSWITCH_DATA_DIR; a server that was never started makes one when it is.',
  )
}
