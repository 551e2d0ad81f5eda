import { DatabaseError } from 'pg'
import { StoreError, type StoreErrorCode } from '@hookswitch/core'

/** SQLSTATEs, or their classes (the first two characters), that speak of the server and not of values. */
const serverStates: Record<string, StoreErrorCode> = {
  '53100': 'full',
  '42501': 'unavailable', // no permission
  '42': 'io', // a table or function is not as this program made it
  '08': 'unavailable', // connection exceptions
  '25': 'unavailable', // read-only: a standby
  '28': 'unavailable', // authentication
  '3D': 'unavailable', // no such database
  '40': 'unavailable', // deadlock, serialization
  '53': 'unavailable', // out of memory, too many connections
  '55': 'unavailable', // a lock was not to be had in time
  '57': 'unavailable', // cancelled, timed out, shutting down, starting up
  '58': 'io', // the operating system failed the server
  XX: 'io', // internal errors, corrupt data
}

/** After these the server ends the connection, and the commit may have been made just before. */
const lostClasses = new Set(['08', '57', '58', 'XX'])
const statementCancelled = '57014'

/** Whether the connection is of no more use after this error. */
export function connectionIsLost(error: unknown): boolean {
  return !(error instanceof DatabaseError) || outcomeIsOpen(error)
}

/**
 * Turns what `pg` rejects with into a `StoreError`. `outcome` is that of a connection which broke: an answer of the
 * server that it refused the statement means that nothing was written.
 */
export function storeFailure(error: unknown, location: string, outcome: 'none' | 'unknown'): StoreError {
  if (error instanceof StoreError) return error
  if (!(error instanceof DatabaseError)) {
    const reason = error instanceof Error ? reasonOf(error) : 'the connection failed'
    return new StoreError('unavailable', `PostgreSQL at ${location}: ${reason}`, { cause: error, outcome })
  }
  const sqlState = error.code ?? ''
  const code = serverStates[sqlState] ?? serverStates[sqlState.slice(0, 2)]
  const detail = `PostgreSQL at ${location} answered ${sqlState}`
  // The server's own error is not kept as the cause: its detail and context may quote values, and what speaks of
  // values quotes them in its message, too.
  if (code === undefined) return new StoreError('io', detail)
  return new StoreError(code, `${detail}, ${error.message}`, {
    outcome: outcomeIsOpen(error) ? outcome : 'none',
  })
}

function outcomeIsOpen({ code = '' }: DatabaseError): boolean {
  return code !== statementCancelled && lostClasses.has(code.slice(0, 2))
}

/** Node's message is empty where several addresses of one name were tried. */
function reasonOf(error: Error): string {
  if (error.message !== '') return error.message
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}

/** What is said where the first connection fails: it also names a command that starts a PostgreSQL. */
export function unreachable(error: unknown, location: string, startCommand: string): unknown {
  if (!(error instanceof StoreError) || error.code !== 'unavailable') return error
  // Without a cause it was the server that answered, so it is there, and what it said is what helps.
  if (!(error.cause instanceof Error)) return error
  const reason = `PostgreSQL at ${location}: ${reasonOf(error.cause)}`
  return new StoreError('unavailable', `${reason}. One is started with: ${startCommand}`, {
    cause: error.cause,
  })
}
