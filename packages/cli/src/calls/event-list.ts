import type { ApiEvent } from '../api/api-event.ts'
import { eventHint } from '../tail/event-hint.ts'
import { formatTable, type Column } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { localTime, zoneName } from '../time/moment.ts'

export function formatEvents(events: readonly ApiEvent[], terminal: Terminal): string {
  const columns: Column<ApiEvent>[] = [
    { title: 'seq', text: ({ seq }) => String(seq), align: 'right' },
    { title: `received (${zoneName()})`, text: ({ receivedAt }) => localTime(receivedAt) },
    { title: 'type', text: ({ type }) => type },
    { title: 'event', text: ({ id }) => id },
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
