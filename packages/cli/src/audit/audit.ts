import type { Command } from 'commander'
import type { Page } from '../api/api-client.ts'
import { connect } from '../api/connection.ts'
import type { ApiAct } from '../api/delivery-shapes.ts'
import { addListOptions, noteNext, type ListOptions } from '../api/list-options.ts'
import type { Context } from '../context.ts'
import { helpEnding } from '../help.ts'
import { formatTable } from '../terminal/table.ts'
import { localTime, zonePlace } from '../time/moment.ts'

export function addAuditCommand(program: Command, context: Context): void {
  addListOptions(program.command('audit').description('list what was done by hand, newest first'))
    .addHelpText('after', helpEnding('hookswitch audit'))
    .action((options: ListOptions) => audit(options, context))
}

async function audit(options: ListOptions, context: Context): Promise<void> {
  const { terminal } = context
  const { limit, cursor } = options
  const api = await connect(options, context)
  const { value, text } = await api.get<Page<ApiAct>>('/audit', { limit, cursor })
  if (options.json === true) terminal.print(text)
  else if (value.items.length === 0) terminal.note('Nothing was done by hand yet.')
  else {
    terminal.print(
      formatTable<ApiAct>(
        [
          { title: `when (${zonePlace()})`, text: ({ at }) => localTime(at), whole: true },
          { title: 'who', text: ({ actor }) => actor },
          { title: 'what', text: ({ action }) => action, whole: true },
          { title: 'to what', text: ({ target }) => target, whole: true },
          { title: 'why', text: ({ reason }) => reason ?? '' },
        ],
        value.items,
        { columns: terminal.columns, paintTitle: (title) => terminal.paint('bold', title) },
      ),
    )
    noteNext(value, context)
  }
}
