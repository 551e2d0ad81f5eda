import { styleText } from 'node:util'
import type { Host } from '../host.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Where a command writes: what it was asked for on stdout, everything else on stderr. */
export interface Terminal {
  /** One line, or several, of what was asked for. */
  print(text: string): void
  /** One JSON value on a line of its own; indented where a person reads it. */
  printJson(value: unknown): void
  /** One JSON value on exactly one line, for output that has one value a line. */
  printJsonLine(value: unknown): void
  /** A line beside the output: progress, advice, errors. */
  note(text: string): void
  /** A line that the next one replaces, beside the output; null takes it away. Nothing where stderr is no terminal. */
  progress(text: string | null): void
  /** For `print`. Plain text where stdout is no terminal, or `NO_COLOR` is set. */
  paint(style: Style, text: string): string
  /** For `note`. */
  paintNote(style: Style, text: string): string
  /** Columns of the terminal; unbounded where the output goes elsewhere. */
  readonly columns: number
  /** Whether a person can be asked. */
  readonly interactive: boolean
}

/** What a terminal that does not say is taken to be. */
const columnsDefault = 80

export function createTerminal(host: Host): Terminal {
  const { stdout, stderr } = host
  const print = (text: string): void => {
    stdout.write(`${text}\n`)
  }
  return {
    print,
    printJson: (value) => print(JSON.stringify(value, null, stdout.isTTY ? 2 : undefined)),
    printJsonLine: (value) => print(JSON.stringify(value)),
    note: (text) => void stderr.write(`${text}\n`),
    progress: (text) => {
      if (stderr.isTTY) stderr.write(`\r\u{1b}[2K${text ?? ''}`)
    },
    paint: (style, text) => styleText(style, text, { stream: stdout }),
    paintNote: (style, text) => styleText(style, text, { stream: stderr }),
    get columns() {
      if (!stdout.isTTY) return Infinity
      // A terminal that was never sized reports 0.
      return stdout.columns > 0 ? stdout.columns : columnsDefault
    },
    get interactive() {
      // Asked for only here: the first look at stdin opens it.
      return host.stdin.isTTY && stdout.isTTY
    },
  }
}
