import type { ApiDelivery, ApiDeliveryDetail } from '../api/delivery-shapes.ts'
import { attemptText } from '../destinations/destination-text.ts'
import { printable } from '../terminal/printable.ts'
import { formatTable, type Column } from '../terminal/table.ts'
import type { Style, Terminal } from '../terminal/terminal.ts'
import { localTime, zoneName, zonePlace } from '../time/moment.ts'

const styles: Readonly<Record<ApiDelivery['state'], Style>> = {
  pending: 'cyan',
  delivered: 'green',
  filtered: 'dim',
  dead: 'red',
  skipped: 'dim',
}

export function formatDeliveries(deliveries: readonly ApiDelivery[], terminal: Terminal): string {
  const columns: Column<ApiDelivery>[] = [
    { title: 'delivery', text: ({ id }) => id, whole: true },
    { title: 'to', text: ({ destination }) => destination.name },
    { title: 'event', text: ({ eventType }) => eventType ?? 'removed' },
    { title: 'call', text: ({ callId }) => callId ?? '–' },
    {
      title: 'state',
      text: ({ state, lane }) => (lane?.state === 'parked' ? 'parked' : state),
      paint: (text, { state }) => terminal.paint(styles[state], text),
    },
    { title: 'tries', text: ({ attempts }) => String(attempts), align: 'right' },
    { title: `made (${zonePlace()})`, text: ({ createdAt }) => localTime(createdAt), whole: true },
    { title: 'why', text: ({ reason }) => reason ?? '' },
  ]
  return formatTable(columns, deliveries, {
    columns: terminal.columns,
    paintTitle: (text) => terminal.paint('bold', text),
  })
}

/** One delivery with every try: what was sent, what came back, how long it took. */
export function formatDelivery(delivery: ApiDeliveryDetail, terminal: Terminal): string {
  const { id, destination, eventId, eventType, callId, state, reason, replay, lane, attempts } = delivery
  const facts: [label: string, text: string | null][] = [
    ['to', `${destination.name} (${destination.id})`],
    ['event', eventId === null ? 'removed' : `${eventType ?? ''} ${eventId}`],
    ['call', callId],
    ['why', reason],
    ['replay', replay],
    [
      'lane',
      lane === null ? null : `${lane.id} (${lane.key}), ${lane.state}${lane.head ? ', its turn' : ''}`,
    ],
    ['next try', lane?.nextAttemptAt == null ? null : localTime(lane.nextAttemptAt)],
    ['made', localTime(delivery.createdAt)],
    ['ended', delivery.finishedAt === null ? null : localTime(delivery.finishedAt)],
  ]
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== null)
  const labelColumns = Math.max(...known.map(([label]) => label.length))
  return [
    `${terminal.paint('bold', id)}  ${terminal.paint(styles[state], state)}`,
    ...known.map(
      ([label, text]) => `${terminal.paint('dim', label.padEnd(labelColumns))}  ${printable(text)}`,
    ),
    terminal.paint('dim', `Times are in ${zoneName()}.`),
    ...attempts.flatMap((attempt) => {
      const { number, startedAt, request, response } = attempt
      return [
        '',
        `${terminal.paint('bold', `try ${number}`)}  ${localTime(startedAt)}  ${attemptText(attempt)}`,
        ...(request === null ? [] : [`  sent      ${printable(`${request.method} ${request.url}`)}`]),
        ...(response === null || response.body === ''
          ? []
          : [`  answered  ${printable(response.body)}${response.truncated ? ' …' : ''}`]),
      ]
    }),
  ].join('\n')
}
