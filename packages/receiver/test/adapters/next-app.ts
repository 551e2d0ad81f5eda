import { appendFileSync } from 'node:fs'
import { createApp, type Entry } from './app.ts'

// Bundled and put into an app of Next, whose routes take everything from here.
export { nextPages, nextRoute } from '@hookswitch/receiver/next'

/** One line for each, in the order in which they were told; there before the answer is. */
function record(entry: Entry): void {
  appendFileSync(process.env['ENTRIES_FILE'] ?? '', `${JSON.stringify(entry)}\n`)
}

/** Apart, so that neither knows what the other has handled. */
export const appRouter = createApp(record)
export const pagesApi = createApp(record)
