import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  freshProgress,
  type Appended,
  type NewStartedCall,
  type Publication,
  type StartedCall,
} from '@hookswitch/core'
import { startedCall, type StartedCallRow } from '../publish-rows.ts'
import type { Appender } from './append.ts'

/** The calls that were started here, and the events that are published in them. Call within a transaction. */
export class StartedCallTable {
  readonly #appender: Appender
  readonly #byCallId: StatementSync
  readonly #insert: StatementSync
  readonly #advance: StatementSync

  constructor(database: DatabaseSync, appender: Appender) {
    this.#appender = appender
    this.#byCallId = database.prepare(`SELECT * FROM started_calls WHERE call_id = ?`)
    this.#insert = database.prepare(
      `INSERT INTO started_calls (call_id, agent_id, conversation_id, direction, to_address, from_address, override,
         sealed_secrets, version, created_at, progress, params)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?) RETURNING *`,
    )
    this.#advance = database.prepare(
      `UPDATE started_calls SET version = version + 1, progress = ? WHERE call_id = ? AND version = ?`,
    )
  }

  get(callId: string): StartedCall | null {
    const row = this.#byCallId.get(callId) as unknown as StartedCallRow | undefined
    return row === undefined ? null : startedCall(row)
  }

  add(call: NewStartedCall, now: number): StartedCall {
    const row = this.#insert.get(
      call.callId,
      call.agentId,
      call.conversationId,
      call.direction,
      call.to,
      call.from,
      call.override === null ? null : JSON.stringify(call.override),
      call.sealedSecrets,
      now,
      JSON.stringify(freshProgress),
      JSON.stringify(call.params),
    )
    return startedCall(row as unknown as StartedCallRow)
  }

  /** The numbers of the log that this draws are to be forgotten if the transaction is rolled back. */
  publish(batch: readonly Publication[]): (Appended | 'changed')[] {
    return batch.map((publication) => {
      const { callId, expectedVersion, progress } = publication
      const { changes } = this.#advance.run(JSON.stringify(progress), callId, expectedVersion)
      return changes === 0 ? 'changed' : this.#appender.appendOne(publication)
    })
  }
}
