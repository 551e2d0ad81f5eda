import type { Machine } from './machine.ts'
import type { Outcome } from './outcome.ts'

/** The table that ends a run: a line for each row, and below it what lies behind the figure. */
export function reportText(machine: Machine, outcomes: readonly Outcome[]): string {
  const lines = outcomes.map((outcome) => {
    if (outcome.state === 'measured')
      return [outcome.row, outcome.budget, outcome.measured, outcome.met ? 'yes' : 'NO']
    return [outcome.row, '', outcome.state === 'skipped' ? 'skipped' : 'FAILED', '']
  })
  const table = [['row', 'budget', 'measured', 'met'], ...lines]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((line) => line[column]?.length ?? 0)))
  const aligned = table.map((line) =>
    line
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('   ')
      .trimEnd(),
  )
  const rows = outcomes.flatMap((outcome) => [
    `\n${outcome.row}`,
    ...(outcome.state === 'measured' ? outcome.details : [outcome.reason]).map((detail) => `  ${detail}`),
  ])
  return `\n${machineText(machine)}\n\n${aligned.join('\n')}\n${rows.join('\n')}\n`
}

function machineText(machine: Machine): string {
  const commit =
    machine.commit === null ? 'no commit' : `${machine.commit}${machine.dirty ? ' with changes' : ''}`
  return [
    `${machine.cores} cores of ${machine.cpu}`,
    `${machine.memoryMiB} MiB`,
    machine.kernel,
    `Node ${machine.node}`,
    machine.filesystem,
    `load ${machine.loadBefore.toFixed(2)} before`,
    commit,
    machine.date,
  ].join(', ')
}
