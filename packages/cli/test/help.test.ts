import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exitCodes } from '../src/failure.ts'
import { runCommand } from './run-command.ts'

// The formatter lines the cells of a table up with blanks.
const docs = readFileSync(join(import.meta.dirname, '../../../docs/cli.md'), 'utf8').replaceAll(/ +\|/g, ' |')

interface Help {
  command: string
  text: string
  subcommands: string[]
}

/** Every command with its help, found by reading the help of the one above it, as a user would. */
async function helpOf(command: string[]): Promise<Help[]> {
  const { code, stdout: text } = await runCommand([...command, '--help'])
  expect(code).toBe(0)
  const list = /\nCommands:\n([^]*?)\n\n/.exec(text)?.[1] ?? ''
  const subcommands = [...list.matchAll(/^ {2}(\w+)/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help')
  const below = await Promise.all(subcommands.map((name) => helpOf([...command, name])))
  return [{ command: ['hookswitch', ...command].join(' '), text, subcommands }, ...below.flat()]
}

const all = await helpOf([])

/** The part of the docs about a command, up to the next heading. */
function sectionOf(command: string): string {
  return new RegExp(`^##+ ${command}\\n([^]*?)(?=^##|$(?![^]))`, 'm').exec(docs)?.[1] ?? ''
}

test('there are the commands that were promised', () => {
  expect(all.map(({ command }) => command)).toEqual([
    'hookswitch',
    'hookswitch init',
    'hookswitch serve',
    'hookswitch send',
    'hookswitch simulate',
    'hookswitch calls',
    'hookswitch calls list',
    'hookswitch calls show',
    'hookswitch calls events',
    'hookswitch tail',
    'hookswitch destinations',
    'hookswitch destinations list',
    'hookswitch destinations show',
    'hookswitch destinations kinds',
    'hookswitch destinations add',
    'hookswitch destinations pause',
    'hookswitch destinations resume',
    'hookswitch destinations test',
    'hookswitch destinations remove',
    'hookswitch deliveries',
    'hookswitch deliveries list',
    'hookswitch deliveries show',
    'hookswitch deliveries retry',
    'hookswitch deliveries skip',
    'hookswitch explain',
    'hookswitch dead',
    'hookswitch dead list',
    'hookswitch dead retry',
    'hookswitch lanes',
    'hookswitch lanes list',
    'hookswitch lanes resume',
    'hookswitch lanes skip',
    'hookswitch replay',
    'hookswitch agents',
    'hookswitch agents list',
    'hookswitch agents show',
    'hookswitch agents add',
    'hookswitch agents set',
    'hookswitch agents pause',
    'hookswitch agents resume',
    'hookswitch agents test',
    'hookswitch agents rotate',
    'hookswitch agents call',
    'hookswitch agents publish',
    'hookswitch agents remove',
    'hookswitch tokens',
    'hookswitch tokens list',
    'hookswitch tokens create',
    'hookswitch tokens rotate',
    'hookswitch tokens revoke',
    'hookswitch retention',
    'hookswitch erase',
    'hookswitch audit',
    'hookswitch doctor',
    'hookswitch migrate',
  ])
})

describe.each(all)('$command', ({ command, text, subcommands }) => {
  /** Of the program itself the page as a whole tells. */
  const section = command === 'hookswitch' ? docs : sectionOf(command)

  test('ends its help with an example of itself and the exit codes', () => {
    // The default of a group may leave its own name out.
    const shown = command.replace(/ list$/, '')
    expect(text).toMatch(new RegExp(`\\nExamples?:\\n( {2}\\$ hookswitch.*\\n)* {2}\\$ ${shown}`))
    const codes = Object.values(exitCodes).map(({ code, meaning }) => `  ${code}  ${meaning}\n`)
    expect(text).toContain(`Exit codes:\n${codes.join('')}`)
  })

  test('fits a terminal of 80 columns', () => {
    const ours = text.split('\n').filter((line) => !line.startsWith('  $ '))
    expect(ours.filter((line) => line.length > 80)).toEqual([])
  })

  test('is in the docs with an example and all its options', () => {
    expect(section).not.toBe('')
    if (subcommands.length === 0) expect(section).toContain(`$ ${command.replace(/ list$/, '')}`)
    // Options of all subcommands stand with the group.
    const group = sectionOf(command.slice(0, command.lastIndexOf(' ')))
    const options = [...text.matchAll(/^ {2}(--[\w-]+(?: <[^>]+>)?)/gm)].map(([, option = '']) => option)
    expect(options.filter((option) => !`${section}${group}`.includes(`\`${option}\``))).toEqual([])
  })
})

test('the docs list the exit codes as they are', () => {
  const rows = Object.values(exitCodes).map(({ code, meaning }) => `| ${code} | ${meaning} |`)
  expect(docs).toContain(rows.join('\n'))
})

test('the docs name no option that is not there', () => {
  const known = new Set(all.flatMap(({ text }) => text.match(/--[\w-]+/g) ?? []))
  const named = new Set(docs.match(/(?<=[`\s])--[a-z][\w-]*/g))
  expect([...named].filter((option) => !known.has(option))).toEqual([])
})
