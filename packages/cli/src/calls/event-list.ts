import type { ApiEvent } from '../api/api-event.ts'
import { eventHint } from '../tail/event-hint.ts'
import { formatTable, type Column } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { localTime, zonePlace } from '../time/moment.ts'

export function formatEvents(events: readonly ApiEvent[], terminal: Terminal): string {
  const columns: Column<ApiEvent>[] = [
    { title: 'seq', text: ({ seq }) => String(seq), align: 'right' },
    { title: `received (${zonePlace()})`, text: ({ receivedAt }) => localTime(receivedAt), whole: true },
    { title: 'type', text: ({ type }) => type, whole: true },
    { title: 'event', text: ({ id }) => id, whole: true },
    {
      title: 'issues',
      text: ({ issues }) => String(issues.length),
      align: 'right',
      paint: (text, { issues }) => (issues.length === 0 ? text : terminal.paint('yellow', text)),
    },
    { title: 'what', text: (event) => eventHint(event).what },
  ]
  return formatTable(columns, events, {
    columns: terminal.columns,
    paintTitle: (text) => terminal.paint('bold', text),
  })
}
