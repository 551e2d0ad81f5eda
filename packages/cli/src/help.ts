import { exitCodes } from './failure.ts'

/** How every `--help` ends: by example, and with what a script may rely on. */
export function helpEnding(...examples: string[]): string {
  const shown = examples.map((example) => `  $ ${example}`)
  const codes = Object.values(exitCodes).map(({ code, meaning }) => `  ${code}  ${meaning}`)
  return ['', examples.length === 1 ? 'Example:' : 'Examples:', ...shown, '', 'Exit codes:', ...codes].join(
    '\n',
  )
}
