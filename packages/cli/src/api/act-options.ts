import type { Command } from 'commander'
import { jsonOption } from '../options.ts'
import { addConnectionOptions, type ConnectionOptions } from './connection.ts'

export interface ActOptions extends ConnectionOptions {
  reason?: string
  json?: true
}

/** The options of every command that does something by hand; the audit log keeps who, what and why. */
export function addActOptions(command: Command): Command {
  return addConnectionOptions(
    command.option('--reason <text>', 'why, for the audit log').addOption(jsonOption()),
  )
}

/** The body of a request that does something. */
export function actBody({ reason }: ActOptions): Record<string, unknown> {
  return reason === undefined ? {} : { reason }
}
