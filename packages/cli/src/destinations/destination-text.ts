import type { ApiAttempt, ApiDestination } from '../api/delivery-shapes.ts'
import { printable, printableValue } from '../terminal/printable.ts'
import { formatTable, type Column } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { localTime, zoneName, zonePlace } from '../time/moment.ts'

/** Where it is set, and can be changed. */
const originWords: Record<ApiDestination['origin'], string> = {
  config: 'the config file',
  api: 'the API',
  agent: 'its agent',
}

export function formatDestinations(destinations: readonly ApiDestination[], terminal: Terminal): string {
  const columns: Column<ApiDestination>[] = [
    { title: 'name', text: ({ name }) => name, whole: true },
    { title: 'kind', text: ({ kind }) => kind },
    {
      title: 'state',
      text: stateText,
      paint: (text, { state }) => terminal.paint(state.state === 'active' ? 'green' : 'yellow', text),
    },
    { title: 'events', text: ({ events }) => events?.join(', ') ?? 'all' },
    { title: 'from', text: ({ origin }) => originWords[origin] },
    {
      title: `last success (${zonePlace()})`,
      text: ({ lastSuccessAt }) => localTime(lastSuccessAt),
      whole: true,
    },
    { title: 'last failure', text: ({ lastFailureAt }) => localTime(lastFailureAt), whole: true },
  ]
  return formatTable(columns, destinations, {
    columns: terminal.columns,
    paintTitle: (text) => terminal.paint('bold', text),
  })
}

/** What is set, and how it is. */
export function formatDestination(destination: ApiDestination, terminal: Terminal): string {
  const { name, id, kind, origin, events, scope, filter, template, lane, onExhausted } = destination
  const { retry, limits, settings, secrets, state, createdAt, updatedAt } = destination
  const code = (given: ApiDestination['filter']): string | null =>
    given === null ? null : typeof given === 'string' ? given : 'a function of the config file'
  const facts: [label: string, text: string | null][] = [
    ['id', id],
    ['kind', kind],
    ['from', originWords[origin]],
    ['state', stateText(destination)],
    ['why', state.state === 'held' ? state.detail : null],
    ['events', events?.join(', ') ?? 'all'],
    ['sources', scope.sources?.join(', ') ?? null],
    ['agents', scope.agents?.join(', ') ?? null],
    ['filter', code(filter)],
    ['template', code(template)],
    ['lane', typeof lane === 'string' ? lane : `by ${lane.path}`],
    ['when exhausted', onExhausted === 'park' ? 'park the lane' : 'go on with the next'],
    ['retry', 'preset' in retry ? retry.preset : `after ${retry.delaysSeconds.join(', ')} s`],
    [
      'limits',
      `${limits.concurrency} at once${limits.perSecond === null ? '' : `, ${limits.perSecond} per second`}`,
    ],
    ...Object.entries(settings).map(([setting, value]): [string, string] => [setting, printableValue(value)]),
    ['secrets set', secrets === null ? 'cannot be read with this key' : secrets.join(', ') || 'none'],
    ['made', localTime(createdAt)],
    ['changed', localTime(updatedAt)],
  ]
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== null)
  const labelColumns = Math.max(...known.map(([label]) => label.length))
  return [
    terminal.paint('bold', printable(name)),
    ...known.map(
      ([label, text]) => `${terminal.paint('dim', label.padEnd(labelColumns))}  ${printable(text)}`,
    ),
    terminal.paint('dim', `Times are in ${zoneName()}.`),
  ].join('\n')
}

function stateText({ state }: ApiDestination): string {
  if (state.state === 'active') return 'active'
  return `held: ${state.reason}${state.until === null ? '' : ` until ${localTime(state.until)}`}`
}

/** What one try came to, on one line. */
export function attemptText({
  verdict,
  status,
  cause,
  message,
  durationMs,
}: Pick<ApiAttempt, 'verdict' | 'status' | 'cause' | 'message' | 'durationMs'>): string {
  const what = [status === null ? null : String(status), cause, message].filter((part) => part !== null)
  return `${verdict} after ${durationMs} ms${what.length === 0 ? '' : `: ${printable(what.join(', '))}`}`
}
