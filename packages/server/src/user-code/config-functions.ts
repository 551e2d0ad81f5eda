import { registerHooks } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { CodeFailure } from './code-failure.ts'
import type { UserCodePart } from './user-code.ts'

/** @throws CodeFailure when there is no such function. */
export type ConfigFunctions = (destination: string, part: UserCodePart) => (context: unknown) => unknown

const properties = { filter: 'filter', template: 'template', handler: 'run' } as const

/**
 * Imports the config file in this thread, since functions cannot be sent from one thread to another. It is not
 * checked again: the server has started with it. A file that cannot be loaded now is said by every call.
 */
export async function configFunctions(file: string | null, ownModuleUrl: string): Promise<ConfigFunctions> {
  const name = file === null ? 'the config file' : path.basename(file)
  let destinations: unknown
  let problem = ''
  if (file !== null) {
    // For good: a function may import something when it is first called.
    registerHooks({
      resolve: (specifier, context, next) =>
        next(specifier === 'hookswitch' ? ownModuleUrl : specifier, context),
    })
    try {
      const module = (await import(pathToFileURL(file).href)) as { default?: { destinations?: unknown } }
      destinations = module.default?.destinations
    } catch (error) {
      problem = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    }
  }
  const list = (Array.isArray(destinations) ? destinations : []) as Record<string, unknown>[]
  return (destination, part) => {
    if (problem !== '')
      throw new CodeFailure(`cannot be called: ${name} cannot be loaded any more: ${problem}`)
    const found = list.find((entry) => entry['name'] === destination)
    const called = found?.[properties[part]]
    if (typeof called !== 'function') {
      throw new CodeFailure(
        `cannot be called: ${name} has no function ${properties[part]} at destination "${destination}" any more`,
      )
    }
    return (context) => Reflect.apply(called, found, [context]) as unknown
  }
}
