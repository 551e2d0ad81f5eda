import type { HandlerLog } from '@hookswitch/destinations/config'
import type { UserCodeLine } from './user-code.ts'

/** Lines of one run; a loop that logs would fill the host's memory. */
const linesMax = 100

const fieldsMax = 32
const charactersMax = 1_000

/** The `log` of a handler; each line says its `place`. What is no scalar is left out: it may be a whole call. */
export function handlerLog(place: UserCodeLine['fields'], write: (line: UserCodeLine) => void): HandlerLog {
  let lines = 0
  const logAt = (level: UserCodeLine['level']) => (message: unknown, fields: unknown) => {
    lines += 1
    if (lines < linesMax) {
      write({ level, fields: { ...plainFields(fields), ...place }, message: textOf(message) })
    } else if (lines === linesMax) {
      write({ level: 'warn', fields: place, message: 'this run logs too much: further lines are left out' })
    }
  }
  return { info: logAt('info'), warn: logAt('warn'), error: logAt('error') }
}

function plainFields(fields: unknown): UserCodeLine['fields'] {
  const plain: UserCodeLine['fields'] = {}
  if (typeof fields !== 'object' || fields === null) return plain
  for (const [name, value] of Object.entries(fields).slice(0, fieldsMax)) {
    if (typeof value === 'string') plain[name] = textOf(value)
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) plain[name] = value
  }
  return plain
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.slice(0, charactersMax) : ''
}
