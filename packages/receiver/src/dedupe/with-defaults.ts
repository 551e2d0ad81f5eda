/**
 * Options with the default of each that is left out. The defaults are also the list of those that there are.
 *
 * @param of whose options they are, as the message says it.
 * @throws TypeError for an option that there is not.
 */
export function withDefaults<Options extends object>(
  of: string,
  options: { [Name in keyof Options]?: Options[Name] | undefined },
  defaults: Options,
): Options {
  const all = { ...defaults }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(defaults, name)) throw new TypeError(`${of} has no option ${name}`)
    if (value !== undefined) Object.assign(all, { [name]: value })
  }
  return all
}
