import { knownEventTypes, readEnvelope } from '@hookswitch/events'
import type { Dedupe } from '../dedupe/dedupe.ts'
import type { EventQueue } from '../queue/event-queue.ts'
import { hiddenRule, isFunction, isObject, kindOf, oneOf, port, whole, type Rule } from './option-rule.ts'
import type { ErrorContext, Handler, LogEntry, ReceiverOptions } from './options.ts'
import { resolveSecrets, resolveSignature, secretsExpected } from './resolve-secrets.ts'
import type { StandardSchemaV1 } from './standard-schema.ts'
import type { Tracer } from './tracer.ts'

export interface ResolvedReceiver<Outcome = unknown> {
  /** None where none is asked for. */
  secrets: readonly string[]
  signature: { secrets: readonly string[]; toleranceSeconds: number } | null
  handles: (type: string) => boolean
  handlerOf: (type: string) => Handler<string, Outcome> | undefined
  outcome: StandardSchemaV1<unknown, Outcome> | null
  dedupe: Dedupe | null
  dedupeWindowMs: number
  leaseMs: number
  queue: EventQueue | null
  deadlineMs: number
  order: 'call' | 'none'
  onFailure: 'retry' | 'acknowledge'
  onError: (error: unknown, context: ErrorContext) => void
  /** Null where nobody asks. */
  log: ((entry: LogEntry) => void) | null
  bodyBytesMax: number
  bodyMs: number
  tracer: Tracer | null
  now: () => number
}

/** A process that stands still for a while does not lose its claim at once. */
const leaseMsMin = 30_000

/** @throws TypeError that names the option, what came and what is expected. Nothing that is secret is in it. */
export function resolveOptions<Outcome>(options: ReceiverOptions<Outcome>): ResolvedReceiver<Outcome> {
  if (!isObject(options))
    throw new TypeError(`createReceiver is given ${kindOf(options)}, expected its options`)
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name as keyof ReceiverOptions] : undefined
    if (rule === undefined) throw new TypeError(`createReceiver has no option ${name}`)
    // Secrets that are undefined are an environment that is not set; they are looked at below.
    if (value !== undefined && !rule.holds(value)) {
      throw new TypeError(`${name} is ${rule.shown(value)}, expected ${rule.expected}`)
    }
  }
  const deadlineMs = options.deadlineMs ?? 4_000
  return {
    secrets: resolveSecrets(options),
    signature: resolveSignature(options.signature),
    ...resolveHandlers(options),
    outcome: options.outcome ?? null,
    dedupe: options.dedupe ?? null,
    dedupeWindowMs: options.dedupeWindowMs ?? 24 * 60 * 60 * 1000,
    leaseMs: Math.max(leaseMsMin, 2 * deadlineMs),
    queue: options.queue ?? null,
    deadlineMs,
    order: options.order ?? 'none',
    onFailure: options.onFailure ?? 'retry',
    onError: options.onError ?? (() => {}),
    log: options.log ?? null,
    bodyBytesMax: options.bodyBytesMax ?? 10 * 1024 * 1024,
    bodyMs: options.bodyMs ?? 10_000,
    tracer: options.tracer ?? null,
    now: options.now ?? Date.now,
  }
}

function resolveHandlers<Outcome>({
  on,
  events,
  queue,
}: ReceiverOptions<Outcome>): Pick<ResolvedReceiver<Outcome>, 'handles' | 'handlerOf'> {
  const given: [string, unknown][] = isObject(on) ? Object.entries(on) : []
  const handlers = new Map<string, Handler<string, Outcome>>()
  for (const [type, handler] of given) {
    if (handler === undefined) continue
    if (typeof handler !== 'function')
      throw new TypeError(`on[${JSON.stringify(type)}] is ${kindOf(handler)}, expected a function`)
    if (type !== '*') checkType(`on[${JSON.stringify(type)}]`, type)
    handlers.set(type, handler as Handler<string, Outcome>)
  }
  const handlerOf = (type: string): Handler<string, Outcome> | undefined =>
    handlers.get(type) ?? handlers.get('*')
  // The handlers of a queue may stand in another program.
  if (handlers.size === 0 && (queue === undefined || events === undefined)) {
    throw new TypeError(
      `on ${on === undefined ? 'is missing' : 'has no handler'}, expected ${rules.on.expected}`,
    )
  }
  for (const [at, type] of (events ?? []).entries()) {
    checkType(`events[${at}]`, type)
    if (queue === undefined && handlerOf(type) === undefined) {
      throw new TypeError(`events[${at}] is ${JSON.stringify(type)}, for which on has no handler`)
    }
  }
  const listed = events === undefined ? null : new Set(events)
  return {
    handlerOf,
    handles: (type) =>
      listed === null ? handlerOf(type) !== undefined : listed.has('*') || listed.has(type),
  }
}

/** A name under which nothing will ever come is a mistake. */
function checkType(name: string, type: unknown): void {
  const reading = readEnvelope({ eventType: type, callId: 'any' })
  if (!reading.ok) {
    const problem = reading.issues.map(({ message }) => message).join(', ')
    throw new TypeError(`${name} ${problem}, expected a type such as "call.ended"`)
  }
  const { envelope } = reading
  if (envelope.type !== type) {
    const names = [type, envelope.type].map((text) => JSON.stringify(text))
    throw new TypeError(`${name} is ${names.join(', expected ')}, under which it comes`)
  }
  const meant = knownEventTypes.find((known) => isNear(envelope.type, known))
  if (meant !== undefined) {
    throw new TypeError(`${name} is ${JSON.stringify(type)}, did you mean ${JSON.stringify(meant)}?`)
  }
}

/** The same letters, or all but its last few: `callEnded`, `CALL.ENDED`, `call.end`. */
function isNear(type: string, known: string): boolean {
  if (type === known) return false
  const [given, meant] = [type, known].map((text) => text.toLowerCase().replaceAll(/[^a-z]/g, '')) as [
    string,
    string,
  ]
  return given.length >= meant.length - 3 && meant.startsWith(given)
}

/** Longer than any platform lets a request run, and within what timers can hold. */
const waitMsMax = 15 * 60 * 1000

const rules: Record<keyof ReceiverOptions, Rule> = {
  secrets: hiddenRule(
    (value) => value === null || typeof value === 'string' || (Array.isArray(value) && value.length > 0),
    secretsExpected,
  ),
  auth: hiddenRule((value) => value === 'none', "'none', or no auth at all"),
  signature: hiddenRule(isObject, '{ secrets, toleranceSeconds? }'),
  events: hiddenRule(
    (value) => Array.isArray(value) && value.length > 0,
    "a list of types such as ['call.ended']",
  ),
  outcome: hiddenRule((value) => {
    const standard = (value as Partial<StandardSchemaV1> | null)?.['~standard']
    return isFunction(standard?.validate)
  }, 'a Standard Schema, such as one of zod, valibot or arktype'),
  dedupe: port('what memoryDedupe() gives, or the like', 'claim', 'done', 'release', 'extend'),
  dedupeWindowMs: whole(Number.MAX_SAFE_INTEGER),
  queue: port('{ add }', 'add'),
  deadlineMs: whole(waitMsMax),
  order: oneOf('call', 'none'),
  onFailure: oneOf('retry', 'acknowledge'),
  on: hiddenRule(isObject, "handlers such as { 'call.ended': async ({ event }) => { … } }"),
  onError: hiddenRule(isFunction, 'a function'),
  log: hiddenRule(isFunction, 'a function'),
  bodyBytesMax: whole(Number.MAX_SAFE_INTEGER),
  bodyMs: whole(waitMsMax),
  tracer: port('what openTelemetry() gives', 'span'),
  now: hiddenRule(isFunction, 'a function such as Date.now'),
}
