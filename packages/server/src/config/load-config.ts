import { registerHooks } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { HookswitchConfig } from './config.ts'
import { ConfigurationError } from './configuration-error.ts'
import { resolveConfig, type ResolvedConfig } from './resolve-config.ts'

/**
 * Loads, fills and checks a config file. Without a file everything is at its default.
 *
 * @param file an absolute path to TypeScript or JavaScript, which runs as it is.
 * @param hookswitch the URL of the module that `import … from 'hookswitch'` means in the file: the program that runs,
 *   also where no package of that name lies beside the file.
 * @throws ConfigurationError when the file cannot be loaded or is not as it must be.
 */
export async function loadConfig(file: string | null, hookswitch: string): Promise<ResolvedConfig> {
  if (file === null) return resolveConfig({})
  const name = path.basename(file)
  const module = await importConfig(file, name, hookswitch)
  if (!('default' in module)) {
    throw new ConfigurationError([`${name} exports no default, expected: export default defineConfig({ … })`])
  }
  return resolveConfig(module['default'] as HookswitchConfig, name)
}

async function importConfig(
  file: string,
  name: string,
  hookswitch: string,
): Promise<Record<string, unknown>> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) => next(specifier === 'hookswitch' ? hookswitch : specifier, context),
  })
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (error) {
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new ConfigurationError([`${name} cannot be loaded (${file}): ${said}`], { cause: error })
  } finally {
    hooks.deregister()
  }
}
