const sourceCondition = '--conditions=hookswitch-source'

/**
 * Where a thread begins: a file beside `here`, as TypeScript in a checkout and as JavaScript in an installed
 * package, since a URL is not rewritten when the package is built. A thread inherits the options of the process; in
 * a checkout it must be told where the sources are if they are silent.
 */
export function threadEntry(here: string, name: string): { url: URL; execArgv: string[] | null } {
  const fromSource = here.endsWith('.ts')
  const needsCondition = fromSource && !process.execArgv.includes(sourceCondition)
  return {
    url: new URL(`./${name}.${fromSource ? 'ts' : 'js'}`, here),
    execArgv: needsCondition ? [sourceCondition] : null,
  }
}
