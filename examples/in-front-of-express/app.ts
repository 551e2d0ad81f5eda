import { DatabaseSync } from 'node:sqlite'
import express from 'express'
import { Webhook } from 'standardwebhooks'

const { SIGNING_SECRET: secret = '', PORT: port = '3000', DATABASE: file = 'app.db' } = process.env

const database = new DatabaseSync(file)
database.exec(`
  CREATE TABLE IF NOT EXISTS handled (event_id TEXT PRIMARY KEY);
  CREATE TABLE IF NOT EXISTS calls (call_id TEXT PRIMARY KEY, ended INTEGER NOT NULL DEFAULT 0, outcome TEXT);
`)
const note = database.prepare('INSERT OR IGNORE INTO handled VALUES (?)')
const save = database.prepare(`
  INSERT INTO calls VALUES (?, ?, ?)
  ON CONFLICT (call_id) DO UPDATE SET ended = max(ended, excluded.ended), outcome = coalesce(excluded.outcome, outcome)
`)

interface CallEvent {
  eventType: string
  callId: string
  data?: { data?: { outcomeResult?: unknown } }
}

/** The id of the event and what it does, in one transaction: both are there, or neither. */
function handle(eventId: string, event: CallEvent): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    // Not noted: it was there already, and everything was done then.
    if (note.run(eventId).changes === 1) {
      const outcome = event.data?.data?.outcomeResult
      const ended = event.eventType === 'call.ended' ? 1 : 0
      save.run(event.callId, ended, outcome === undefined ? null : JSON.stringify(outcome))
    }
    database.exec('COMMIT')
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

const webhook = new Webhook(secret)
const app = express()

// The signature is over the bytes, so they are not parsed before it has been checked.
app.post('/calls', express.raw({ type: () => true, limit: '10mb' }), (request, response) => {
  const headers = request.headers as Record<string, string>
  let event
  try {
    event = webhook.verify(request.body as Buffer, headers) as CallEvent
  } catch {
    // Hookswitch holds this destination until somebody sets the right secret; nothing is lost.
    response.status(401).json({ error: 'the signature does not hold' })
    return
  }
  handle(headers['webhook-id'] ?? '', event)
  response.status(204).end()
})

app.listen(Number(port), '127.0.0.1')
