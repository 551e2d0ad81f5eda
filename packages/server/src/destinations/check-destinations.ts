import type { KindContext } from '@hookswitch/destinations'
import { ConfigurationError } from '../config/configuration-error.ts'
import type { ResolvedDestination } from './read-destination.ts'

/** What the kinds work with, besides the name of the destination. */
export type SharedContext = Omit<KindContext, 'name'>

/**
 * What the kind says against settings that are right in form, such as an address that deliveries may not reach: the
 * place and the end of the sentence. Null is fine.
 */
export async function destinationProblem(
  { definition, kind, settings }: Pick<ResolvedDestination, 'definition' | 'kind' | 'settings'>,
  context: SharedContext,
): Promise<string | null> {
  const found = await kind.check(settings, { ...context, name: definition.name })
  return found === null ? null : `settings.${found.setting} ${found.problem}`
}

/**
 * Asks the kinds about all destinations of the config file.
 *
 * @param file stands before each problem.
 * @throws ConfigurationError with all problems at once.
 */
export async function checkDestinations(
  destinations: readonly ResolvedDestination[],
  context: SharedContext,
  file: string,
): Promise<void> {
  const found = await Promise.all(
    destinations.map(async (destination) => {
      const problem = await destinationProblem(destination, context)
      return problem === null ? [] : [`${file}: destination "${destination.definition.name}": ${problem}`]
    }),
  )
  const problems = found.flat()
  if (problems.length > 0) throw new ConfigurationError(problems)
}
