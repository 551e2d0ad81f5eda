import type { Environment } from '@hookswitch/server'
import type { Host } from './host.ts'
import type { Terminal } from './terminal/terminal.ts'

/** What every command is given. */
export interface Context {
  host: Host
  terminal: Terminal
  /**
   * Reads the environment. It is asked for only where a command needs it: whoever names server and token needs none.
   * Options of the command line stand above it, under the names of its variables.
   *
   * @throws ConfigurationError that names every variable that cannot be understood.
   */
  environment: (options?: Readonly<Record<string, string | undefined>>) => Environment
}
