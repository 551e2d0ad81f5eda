import { ConfigurationError, loadConfig, type Environment } from '@hookswitch/server'
import type { Context } from '../context.ts'
import { ownModule } from '../own-module.ts'
import { failed, passed, type Check } from './check.ts'
import { checkDeliveries } from './deliveries.ts'
import { checkDataFolder, checkFileSystem, checkFreeDisk } from './data-folder.ts'
import { checkPort } from './port.ts'
import { checkPublicUrl } from './public-url.ts'
import { checkSecrets, checkSources } from './sources.ts'
import { checkStore } from './store.ts'

/**
 * Looks at everything that a server of this environment needs. Changes nothing, and calls nobody but this machine and
 * the database.
 */
export async function examine(context: Context): Promise<Check[]> {
  const environment = orProblems('environment', () => context.environment())
  // Everything else is looked for where the environment says.
  if ('problems' in environment) return environment.problems
  return [
    passed('environment', 'Every variable is understood.'),
    ...(await examineEnvironment(environment.value, context)),
  ]
}

async function examineEnvironment(environment: Environment, context: Context): Promise<Check[]> {
  const name = 'config'
  const file = environment.configPath
  const config = await loadConfig(file, ownModule).then(
    (value) => ({ value }),
    (error: unknown) => ({ problems: problemsOf(name, error) }),
  )
  const store = await checkStore(environment)
  const ofConfig =
    'problems' in config
      ? config.problems
      : [
          passed(
            name,
            file === null
              ? 'There is no config file, so everything is at its default.'
              : `${file} is understood.`,
          ),
          ...checkSources(config.value),
          ...(await checkSecrets(environment, config.value, store.secrets, Date.now()).catch(
            (error: unknown) => problemsOf('secrets', error),
          )),
        ]
  const folder = environment.dataDir
  const port = await checkPort(environment)
  return [
    ...ofConfig,
    await checkDataFolder(folder),
    ...(environment.databaseUrl === null ? [await checkFileSystem(folder), await checkFreeDisk(folder)] : []),
    ...store.checks,
    port,
    // What another program at that port makes of a request is not to be waited for.
    ...(port.status === 'ok' ? await checkDeliveries(context) : []),
    checkPublicUrl(environment.publicUrl),
  ]
}

function orProblems<T>(name: string, read: () => T): { value: T } | { problems: Check[] } {
  try {
    return { value: read() }
  } catch (error) {
    return { problems: problemsOf(name, error) }
  }
}

function problemsOf(name: string, error: unknown): Check[] {
  if (!(error instanceof ConfigurationError)) throw error
  return error.problems.map((problem) => {
    const sentence = /[.?]$/.test(problem) ? problem : `${problem}.`
    return failed(name, sentence, 'Correct it; the server does not start before.')
  })
}
