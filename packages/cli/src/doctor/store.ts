import type { Environment } from '@hookswitch/server'
import { inspectStore, openReader, type StoreInspection } from '@hookswitch/store-sql'
import { storeLocation } from '../store-location.ts'
import { formatAge } from '../time/duration.ts'
import { failed, passed, warning, type Check } from './check.ts'
import type { KnownSecret } from './sources.ts'

/** Clocks that are kept by NTP differ by milliseconds; leases and times of events bear a few seconds. */
const clockAheadMaxMs = 5_000

/** Looks at the store without opening it for writing, so that it works beside a running server. */
export async function checkStore(
  environment: Environment,
): Promise<{ checks: Check[]; secrets: KnownSecret[] | null }> {
  const name = 'store'
  let found: StoreInspection
  try {
    found = await inspectStore(storeLocation(environment))
  } catch (error) {
    return {
      checks: [failed(name, messageOf(error), 'See "When things break" in ARCHITECTURE.md.')],
      secrets: null,
    }
  }
  const { location, schemaVersion, schemaKnown } = found
  if (schemaVersion !== null && schemaVersion > schemaKnown) {
    const message = `The schema of ${location} is version ${schemaVersion}, this program knows up to ${schemaKnown}.`
    return {
      checks: [failed(name, message, 'Install the version that wrote it, or a newer one.')],
      secrets: null,
    }
  }
  const checks = [checkSchema(found), ...checkDurability(environment, found), ...checkStoreClock(found)]
  // Opening any other would bring it to this program's schema.
  if (schemaVersion !== schemaKnown) return { checks, secrets: null }
  try {
    const read = await readStore(environment)
    return { checks: [...checks, ...read.checks], secrets: read.secrets }
  } catch (error) {
    return { checks: [...checks, failed(name, messageOf(error), 'See its own log.')], secrets: null }
  }
}

function checkSchema({ location, schemaVersion, schemaKnown }: StoreInspection): Check {
  const name = 'store'
  if (schemaVersion === null) return passed(name, `${location} has no store yet; the first start makes it.`)
  if (schemaVersion === schemaKnown) {
    return passed(name, `${location} is reached; its schema is the current version ${schemaKnown}.`)
  }
  return warning(
    name,
    `The schema of ${location} is version ${schemaVersion}, this program brings it to ${schemaKnown} when it starts.`,
    'Start every node with this version, or migrate before: hookswitch migrate',
  )
}

/** Settings under which an event that was answered with 200 may be lost by a crash. */
function checkDurability({ databaseUrl }: Environment, { durability }: StoreInspection): Check[] {
  const name = 'durability'
  const settings = Object.entries(durability)
    .filter(([, value]) => value !== '')
    .map(([setting, value]) => `${setting}=${value}`)
    .join(', ')
  if (settings === '') return []
  if (databaseUrl === null) {
    return [
      durability['journal_mode'] === 'wal'
        ? passed(name, `SQLite writes each commit to disk (${settings}, synchronous=FULL for the log).`)
        : warning(
            name,
            `SQLite does not use its write-ahead log (${settings}), so reads and writes wait for each other.`,
            'Put the data folder on a local disk: network file systems cannot share memory.',
          ),
    ]
  }
  const off = ['fsync', 'full_page_writes'].filter((setting) => durability[setting] === 'off')
  if (off.length > 0) {
    return [
      failed(
        name,
        `PostgreSQL runs with ${off.join('=off and ')}=off: a crash of its machine may lose or damage events.`,
        `Set ${off.join(' and ')} to on in postgresql.conf and restart it.`,
      ),
    ]
  }
  const checks = [passed(name, `PostgreSQL writes each commit to disk (${settings}).`)]
  if (durability['synchronous_commit'] === 'off') {
    checks.push(
      warning(
        name,
        'PostgreSQL has synchronous_commit=off by default; Hookswitch sets it on where it accepts events.',
        'Set it to on for this database, so that other writers are as safe: ALTER DATABASE … SET synchronous_commit = on',
      ),
    )
  }
  return checks
}

function checkStoreClock({ clockAheadMs }: StoreInspection): Check[] {
  const name = 'clock'
  if (clockAheadMs === null) return []
  const apart = Math.abs(clockAheadMs)
  const direction = clockAheadMs > 0 ? 'ahead of' : 'behind'
  return [
    apart <= clockAheadMaxMs
      ? passed(name, `The clocks of this machine and of PostgreSQL are ${apart} ms apart.`)
      : warning(
          name,
          `The clock of PostgreSQL is ${formatAge(apart)} ${direction} the one of this machine.`,
          'Let both be kept by NTP.',
        ),
  ]
}

/** What only an open store tells. */
async function readStore(environment: Environment): Promise<{ checks: Check[]; secrets: KnownSecret[] }> {
  const store = await openReader(storeLocation(environment))
  try {
    const secrets = await store.listSecrets()
    const { newestSeq } = await store.logBounds()
    const [newest] = newestSeq === 0 ? [] : await store.listEvents({ after: newestSeq - 1, limit: 1 })
    const aheadMs = newest === undefined ? 0 : newest.receivedAt - Date.now()
    if (aheadMs <= clockAheadMaxMs) return { secrets, checks: [] }
    return {
      secrets,
      checks: [
        warning(
          'clock',
          `The newest event was received ${formatAge(aheadMs)} from now by the clock of its node.`,
          'A clock is wrong, or was: let all be kept by NTP.',
        ),
      ],
    }
  } finally {
    await store.close()
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
