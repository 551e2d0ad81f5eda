import { CommanderError } from 'commander'
import { ConfigurationError, readEnvironment } from '@hookswitch/server'
import type { Context } from './context.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import type { Host } from './host.ts'
import { createProgram } from './program.ts'
import { createTerminal } from './terminal/terminal.ts'

/**
 * Runs one command line and resolves with the exit code. Whatever goes wrong is said on stderr, one line for each
 * thing; only what nobody foresaw brings a stack.
 */
export async function run(args: readonly string[], host: Host, env: NodeJS.ProcessEnv): Promise<number> {
  // Whoever reads our output may stop early, as `head` does. A server goes on: what it is there for is not its log.
  host.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    if (args[0] !== 'serve') host.exit(exitCodes.ok.code)
  })
  host.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  const terminal = createTerminal(host)
  try {
    const environment: Context['environment'] = (options = {}) => {
      const given = Object.entries(options).filter(([, value]) => value !== undefined)
      return readEnvironment({ ...env, ...Object.fromEntries(given) }, host.cwd())
    }
    await createProgram({ host, terminal, environment }).parseAsync(args, { from: 'user' })
    return exitCodes.ok.code
  } catch (error) {
    // Commander has said it already; help and version end this way as well.
    if (error instanceof CommanderError) {
      return error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code
    }
    if (error instanceof CommandFailure) {
      if (error.message !== '') terminal.note(error.message)
      return exitCodes[error.ending].code
    }
    if (error instanceof ConfigurationError) {
      for (const problem of error.problems) terminal.note(problem)
      return exitCodes.usage.code
    }
    // By its name, since the class came along with the store, which most commands never load.
    if (error instanceof Error && error.name === 'StoreError') {
      terminal.note(error.message)
      return exitCodes.failed.code
    }
    terminal.note(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return exitCodes.failed.code
  }
}
