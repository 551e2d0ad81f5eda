import type { DestinationDefinition, UserCode } from '@hookswitch/core'
import { destinationKinds, type DestinationKind } from '@hookswitch/destinations'
import type { z } from 'zod'
import { adviceFor, shownValue } from '../config/issue-sentence.ts'
import { saidWhole } from '../config/object-schema.ts'
import { apiFields, configFields, type UserFunction } from './destination-fields.ts'
import { splitSettings } from './secret-settings.ts'

/** A destination that is right in form, from the config file or the API. */
export interface ResolvedDestination {
  /** JSON, without the secret settings. */
  definition: DestinationDefinition
  /** The secret settings of its kind. */
  secrets: Record<string, unknown>
  kind: DestinationKind
  /** All settings, as the kind's own methods take them. */
  settings: unknown
}

export type DestinationReading =
  { ok: true; destination: ResolvedDestination } | { ok: false; issues: z.core.$ZodIssue[] }

/** Its code is a function, which only the config file can hold. */
export const handlerKind = 'handler'

/** Fills and checks what describes a destination; all problems come at once. */
export function readDestination(given: unknown, origin: 'config' | 'api'): DestinationReading {
  const fields = (origin === 'config' ? configFields : apiFields).safeParse(given, { reportInput: true })
  const { kind: kindName, settings: ofKind, template, run } = ownFields(given)
  const issues: z.core.$ZodIssue[] = [...(fields.error?.issues ?? [])]

  const kind = typeof kindName === 'string' ? kindNamed(kindName, origin) : undefined
  if (typeof kindName === 'string' && kind === undefined) {
    issues.push(problem(['kind'], `is ${shownValue(kindName)}, ${kindAdvice(kindName, origin)}`))
  }
  const settings = kind?.settings.safeParse(ofKind ?? {}, { reportInput: true })
  for (const issue of settings?.error?.issues ?? []) {
    // Of what is no object at all, the fields have said so.
    if (issue.path.length > 0 || issue.code !== 'invalid_type') {
      issues.push({ ...issue, path: ['settings', ...issue.path] })
    }
  }
  if (kind?.template === null && template !== undefined && template !== null) {
    issues.push(problem(['template'], `is given, expected none: a ${kind.name} takes no template`))
  }
  if (origin === 'config') issues.push(...problemsOfRun(kindName, run))

  if (!fields.success || !settings?.success || kind === undefined || issues.length > 0) {
    return { ok: false, issues }
  }
  const { name, events, scope, lane, onExhausted, retry, limits, filter, template: written } = fields.data
  const json = JSON.parse(JSON.stringify(settings.data)) as Record<string, unknown>
  const split = splitSettings(json, kind)
  return {
    ok: true,
    destination: {
      definition: {
        name,
        kind: kind.name,
        events,
        scope,
        filter: userCode(filter),
        template: userCode(written),
        lane,
        onExhausted,
        retry,
        limits,
        settings: split.settings,
      },
      secrets: split.secrets,
      kind,
      settings: settings.data,
    },
  }
}

function ownFields(given: unknown): Record<string, unknown> {
  return typeof given === 'object' && given !== null ? { ...given } : {}
}

function kindNamed(name: string, origin: 'config' | 'api'): DestinationKind | undefined {
  const kind = destinationKinds.get(name)
  return kind?.internal === true || (origin === 'api' && name === handlerKind) ? undefined : kind
}

function kindAdvice(name: string, origin: 'config' | 'api'): string {
  const known = [...destinationKinds.keys()].filter((other) => kindNamed(other, origin) !== undefined)
  return name === handlerKind
    ? `expected one of ${known.join(', ')}: a handler is a function, and stands in the config file`
    : adviceFor(name, known)
}

function problemsOfRun(kind: unknown, run: unknown): z.core.$ZodIssue[] {
  if (kind !== handlerKind) {
    return run === undefined
      ? []
      : [problem(['run'], `is given, expected none: only a ${handlerKind} has it`)]
  }
  if (typeof run === 'function') return []
  return [
    problem(
      ['run'],
      `is ${run === undefined ? 'missing' : `a ${typeof run}`}, expected the function that is called with each event`,
    ),
  ]
}

function problem(path: PropertyKey[], message: string): z.core.$ZodIssue {
  return { code: 'custom', path, message, params: { [saidWhole]: true }, input: undefined }
}

function userCode(code: string | UserFunction | null): UserCode | null {
  if (code === null) return null
  return typeof code === 'string' ? { jsonata: code } : { function: true }
}
