/**
 * The environment, the config file or the data folder is not as it must be. `problems` has all of them at once, each a
 * sentence that names the variable or key, what came (never a secret) and what was expected.
 */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'
  readonly problems: readonly string[]

  constructor(problems: readonly string[], options: { cause?: unknown } = {}) {
    super(problems.join('\n'), options)
    this.problems = problems
  }
}
