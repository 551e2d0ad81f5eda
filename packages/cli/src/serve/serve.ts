import { setTimeout as delay } from 'node:timers/promises'
import type { Command } from 'commander'
import { loadConfig, startServer, type Environment, type RunningServer } from '@hookswitch/server'
import type { Context } from '../context.ts'
import { CommandFailure, exitCodes } from '../failure.ts'
import { helpEnding } from '../help.ts'
import { ownModule } from '../own-module.ts'
import { formatBanner } from './banner.ts'
import { firstStopSignal } from './stop-signals.ts'

interface ServeOptions {
  port?: string
  host?: string
  config?: string
}

/** A server whose store has died has little left to say goodbye to. */
const lastStopMs = 5_000

export function addServeCommand(program: Command, context: Context): void {
  program
    .command('serve')
    .description('receive events, until SIGTERM or Ctrl-C')
    .option('--port <port>', 'instead of PORT (4000)')
    .option('--host <host>', 'instead of HOST (127.0.0.1)')
    .option('--config <path>', 'instead of HOOKSWITCH_CONFIG (./hookswitch.config.ts)')
    .addHelpText(
      'after',
      `${helpEnding('hookswitch serve --port 4001')}\n` +
        '  130, 143  ended at once by a second SIGINT or SIGTERM',
    )
    .action((options: ServeOptions) => serve(options, context))
}

async function serve(options: ServeOptions, context: Context): Promise<void> {
  const { host, terminal } = context
  const environment = context.environment({
    PORT: options.port,
    HOST: options.host,
    HOOKSWITCH_CONFIG: options.config,
  })
  const config = await loadConfig(environment.configPath, ownModule)
  const stopAsked = firstStopSignal(host)
  const server = await start({ environment, config, ownModuleUrl: ownModule })
  terminal.note(
    formatBanner({ url: server.url, environment, config, secrets: server.secrets }, terminal.paintNote),
  )
  const cause = await Promise.race([stopAsked.then(() => null), server.died.then((died) => ({ died }))])
  if (cause === null) {
    await server.stop()
    return
  }
  // Whatever has died may keep the stop from ending, and a supervisor waits for our end to start us again.
  await Promise.race([server.stop().catch(() => undefined), delay(lastStopMs)])
  terminal.note(`The server cannot go on: ${messageOf(cause.died)}.`)
  host.exit(exitCodes.failed.code)
}

async function start(options: Parameters<typeof startServer>[0]): Promise<RunningServer> {
  try {
    return await startServer(options)
  } catch (error) {
    const advice = listenAdvice((error as NodeJS.ErrnoException).code, options.environment)
    throw advice === null ? error : new CommandFailure('failed', advice, { cause: error })
  }
}

/** Why it cannot listen and what to change; null for any other error. */
function listenAdvice(code: string | undefined, { port, host }: Environment): string | null {
  if (code === 'EADDRINUSE') {
    const other = port < 65_535 ? port + 1 : 4000
    return `Port ${port} on ${host} is in use. Take another: hookswitch serve --port ${other}, or PORT=${other}.`
  }
  if (code === 'EACCES') {
    return `Port ${port} is not allowed to this user. Take one from 1024: hookswitch serve --port 4000, or PORT=4000.`
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `${host} is no address of this machine. Take another: hookswitch serve --host 127.0.0.1, or HOST=127.0.0.1.`
  }
  return null
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.replace(/\.$/, '') : String(error)
}
