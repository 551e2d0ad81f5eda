import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryRoot } from './repository.ts'

/** A block of code, by the language that its fence names. */
export interface Fence {
  language: string
  text: string
}

export function readPage(page: string): string {
  return readFileSync(join(repositoryRoot, page), 'utf8')
}

/** The blocks of code of a page, or of one section of it, in their order. */
export function fencesOf(text: string, language?: string): Fence[] {
  const found = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, name = '', block = '']) => {
    return { language: name, text: block }
  })
  return language === undefined ? found : found.filter((fence) => fence.language === language)
}

/** What stands below a heading, up to the next one of whatever level. */
export function sectionOf(page: string, heading: string): string {
  const lines = readPage(page).split('\n')
  const start = lines.findIndex((line) => line.startsWith('#') && line.replace(/^#+ /, '') === heading)
  if (start === -1) throw new Error(`${page} has no heading "${heading}"`)
  let fenced = false
  const end = lines.findIndex((line, at) => {
    if (line.startsWith('```')) fenced = !fenced
    return at > start && !fenced && /^#+ /.test(line)
  })
  return lines.slice(start + 1, end === -1 ? undefined : end).join('\n')
}

/** The rows of the first table below a heading, each as its cells. */
export function rowsUnder(page: string, heading: string): string[][] {
  const lines = sectionOf(page, heading).split('\n')
  const start = lines.findIndex((line) => line.startsWith('| -'))
  if (start === -1) throw new Error(`${page} has no table under "${heading}"`)
  const length = lines.slice(start).findIndex((line) => !line.startsWith('|'))
  return lines.slice(start + 1, length === -1 ? undefined : start + length).map((line) => {
    return line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim())
  })
}

/** What stands between backquotes. */
export function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

/** What stands between backquotes in the first cell of each row. */
export function firstCodes(rows: string[][]): string[] {
  return rows.flatMap(([first = '']) => codesIn(first))
}
