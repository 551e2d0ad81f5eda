import type { StoredAttempt } from './delivery.ts'
import type { Hold, HoldReason } from './destination.ts'
import type { FailureCause } from './failure.ts'

/** The words of an explanation, which somebody reads who has just been woken. */

const causes: Readonly<Record<FailureCause, string>> = {
  dns: 'its name was not found',
  refused: 'the connection was refused',
  reset: 'the connection was cut',
  tls: 'the TLS connection failed',
  timeout: 'no answer',
  blocked: 'an address that deliveries may not reach',
  protocol: 'an answer that makes no sense',
  code: 'its code failed',
  settings: 'its settings cannot be used',
}

const holds: Readonly<Record<HoldReason, string>> = {
  paused: 'somebody paused it',
  breaker: 'too many deliveries in a row have failed',
  retry_after: 'it asked to be left alone',
  gone: 'it answered 410',
  auth: 'it refused our credentials',
  failing: 'it has failed for too long',
  removed: 'it was removed',
}

/** `503 after 120 ms` */
export function lastTry({ status, cause, message, durationMs }: StoredAttempt): string {
  const said = [
    status === null ? null : String(status),
    // What the attempt itself says is more exact than its cause.
    message === null ? cause && causes[cause] : clause(message),
  ].filter((part) => part !== null)
  return [...said, `after ${durationText(durationMs)}`].join(said.length > 1 ? ', ' : ' ').trim()
}

/** `3 tries have failed (last: 503 after 120 ms)`; empty where none was made. */
export function triesFailed(tries: number, last: StoredAttempt | null): string {
  if (tries === 0) return ''
  const count = tries === 1 ? '1 try has failed' : `${tries} tries have failed`
  return last === null ? count : `${count} (last: ${lastTry(last)})`
}

export function holdReason({ reason, detail }: Hold): string {
  return detail === null ? holds[reason] : `${holds[reason]} (${clause(detail)})`
}

/** What ends a hold. */
export function holdEnd({ reason, until }: Hold, now: number): string {
  if (until !== null) return `it is tried again at ${clockTime(until, now)}`
  if (reason === 'removed') return 'it goes on only if the config file has it again'
  if (reason === 'paused') return 'it goes on when somebody resumes it'
  return 'it goes on when somebody resumes it or changes its settings'
}

/** `12:00:05Z`; with the day where it is another one than today. */
export function clockTime(ms: number, now: number): string {
  const [day = '', time = ''] = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .split('T')
  return new Date(now).toISOString().startsWith(day) ? time : `${day} ${time}`
}

/** `due now`, or `at 12:00:05Z`. */
export function dueText(dueAt: number | null, now: number): string {
  return dueAt === null || dueAt <= now ? 'due now' : `at ${clockTime(dueAt, now)}`
}

/** `: refused: answered 400`; empty where nothing is known. */
export function becauseOf(reason: string | null): string {
  return reason === null ? '' : `: ${clause(reason)}`
}

/** A reason without its full stop, to stand inside another sentence. */
function clause(sentence: string): string {
  return sentence.trim().replace(/\.$/, '')
}

/** More names than these only lengthen the sentence. */
const namesMax = 5

export function orderedList(names: readonly string[]): string {
  const shown = names.slice(0, namesMax)
  const others = names.length - shown.length
  if (others > 0) return `${shown.join(', ')} and ${others} more`
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`
}

function durationText(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1_000)} s`
}
