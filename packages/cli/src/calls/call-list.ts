import type { CallSummary } from '@hookswitch/events'
import { formatTable, type Column } from '../terminal/table.ts'
import type { Terminal } from '../terminal/terminal.ts'
import { formatSeconds } from '../time/duration.ts'
import { localTime, zonePlace } from '../time/moment.ts'

export function formatCalls(calls: readonly CallSummary[], terminal: Terminal): string {
  const columns: Column<CallSummary>[] = [
    { title: 'call', text: ({ callId }) => callId, whole: true },
    {
      title: 'status',
      text: ({ status }) => status,
      paint: (text, { status }) => (status === 'ended' ? text : terminal.paint('green', text)),
    },
    { title: 'agent', text: ({ agentName, agentId }) => agentName ?? agentId ?? '–' },
    {
      title: `first event (${zonePlace()})`,
      text: ({ firstEventAt }) => localTime(firstEventAt),
      whole: true,
    },
    {
      title: 'duration',
      text: ({ durationSeconds }) => (durationSeconds === null ? '–' : formatSeconds(durationSeconds)),
      align: 'right',
    },
    { title: 'events', text: ({ eventCount }) => String(eventCount), align: 'right' },
  ]
  return formatTable(columns, calls, {
    columns: terminal.columns,
    paintTitle: (text) => terminal.paint('bold', text),
  })
}
