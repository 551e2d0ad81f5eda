import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { countOption, jsonOption } from '../options.ts'
import { printable } from '../terminal/printable.ts'
import type { Page } from './api-client.ts'
import { addConnectionOptions, type ConnectionOptions } from './connection.ts'

export interface ListOptions extends ConnectionOptions {
  limit: number
  cursor?: string
  json?: true
}

/** Those of a page of the API. */
const limitMax = 200
const limitDefault = 50

/** The options of every command that lists something of a running server. */
export function addListOptions(command: Command): Command {
  return addConnectionOptions(
    command
      .option('--limit <count>', 'at most so many', countOption(limitMax), limitDefault)
      .option('--cursor <cursor>', 'the next ones, after a page that said so')
      .addOption(jsonOption()),
  )
}

/** Says how the next page is had, where there is one. */
export function noteNext({ nextCursor }: Page<unknown>, { terminal }: Context): void {
  if (nextCursor === null) return
  terminal.note(terminal.paintNote('dim', `There are more: add --cursor ${printable(nextCursor)}`))
}
