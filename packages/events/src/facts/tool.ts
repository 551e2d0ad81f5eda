import type { Issue, ToolRun } from '../event.ts'
import { isObject, note, type JsonObject } from '../json.ts'
import { readTime } from '../wire/time.ts'
import { readAmount, readBoolean, readText, storable } from './field-values.ts'

const nameNames = ['toolName', 'tool_name', 'name', 'functionName', 'function_name']
const inputNames = ['input', 'inputs', 'arguments', 'args', 'params', 'parameters']
const outputNames = ['output', 'outputs', 'result', 'results', 'response']
const timeNames = ['executedAt', 'executed_at', 'startedAt', 'started_at', 'timestamp']
/** A bare `duration` is in milliseconds: so the one sender that was seen writes it. */
const durationNames: readonly [name: string, milliseconds: number][] = [
  ['durationMs', 1],
  ['duration_ms', 1],
  ['duration', 1],
  ['latencyMs', 1],
  ['latency_ms', 1],
  ['durationSeconds', 1000],
  ['duration_seconds', 1000],
]

/** One run of a tool, from the object that holds its fields; null where there is no sign of one. */
export function readTool(
  container: JsonObject,
  prefix: string,
  at: number | null,
  issues: Issue[],
): ToolRun | null {
  const named = container['tool']
  const fields = isObject(named) ? { ...container, ...named } : container
  const from = isObject(named) ? `${prefix}tool.` : prefix
  const name = nameOf(fields, from, issues) ?? readName(named, `${prefix}tool`, issues)
  const input = first(fields, inputNames)
  const output = first(fields, outputNames)
  if (name === null && input === undefined && output === undefined) return null
  if (name === null) note(issues, `${from}toolName`, 'is missing')
  return {
    name: name ?? 'unknown',
    input: storable(input ?? null, from.slice(0, -1), issues),
    output: storable(output ?? null, from.slice(0, -1), issues),
    success: readBoolean(fields['success'], `${from}success`, issues),
    error: errorText(fields['error']),
    durationMs: durationMs(fields, from, issues),
    at: timeOf(fields, from, issues) ?? at,
  }
}

function readName(value: unknown, path: string, issues: Issue[]): string | null {
  return isObject(value) ? null : readText(value, path, issues)
}

function nameOf(fields: JsonObject, prefix: string, issues: Issue[]): string | null {
  for (const name of nameNames) {
    const text = readText(fields[name], prefix + name, issues)
    if (text !== null) return text
  }
  return null
}

function first(fields: JsonObject, names: readonly string[]): unknown {
  for (const name of names) if (fields[name] !== undefined) return fields[name]
  return undefined
}

function errorText(error: unknown): string | null {
  if (error === undefined || error === null || error === '' || error === false) return null
  if (typeof error === 'string') return error
  if (isObject(error) && typeof error['message'] === 'string') return error['message']
  return JSON.stringify(error)
}

function durationMs(fields: JsonObject, prefix: string, issues: Issue[]): number | null {
  for (const [name, milliseconds] of durationNames) {
    const amount = readAmount(fields[name], prefix + name, issues)
    if (amount !== null) return amount * milliseconds
  }
  return null
}

function timeOf(fields: JsonObject, prefix: string, issues: Issue[]): number | null {
  for (const name of timeNames) {
    const time = readTime(fields[name], prefix + name, issues)
    if (time !== null) return time
  }
  return null
}
