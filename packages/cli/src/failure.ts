/** How a command may end. Scripts rely on these numbers; `docs/cli.md` and every `--help` list them. */
export const exitCodes = {
  ok: { code: 0, meaning: 'ok' },
  failed: { code: 1, meaning: 'failed' },
  usage: { code: 2, meaning: 'wrong usage or configuration' },
  unreachable: { code: 3, meaning: 'the server cannot be reached' },
  refused: { code: 4, meaning: 'refused (401 or 403)' },
  notFound: { code: 5, meaning: 'not found' },
} as const

export type Ending = keyof typeof exitCodes

/** Ends the command. The message is one for people, several lines where several things are wrong. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure'
  readonly ending: Exclude<Ending, 'ok'>

  /** @param message empty when the command has said already what is wrong. */
  constructor(ending: Exclude<Ending, 'ok'>, message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.ending = ending
  }
}
