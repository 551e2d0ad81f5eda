import { createHash } from 'node:crypto'
import { defaultSource, readSecretFile, type Environment, type ResolvedConfig } from '@hookswitch/server'
import { formatAge } from '../time/duration.ts'
import { passed, warning, type Check } from './check.ts'
import { secretCommand, weaknessOf } from './secret-strength.ts'

/** What the store keeps of a secret. */
export interface KnownSecret {
  id: string
  source: string
  /** SHA-256, in hexadecimal digits. */
  hash: string
  origin: string
  /** Unix milliseconds. */
  createdAt: number
  expiresAt: number | null
}

/** A secret that was typed into many places finds its way out in time. */
const ageMaxMs = 90 * 24 * 60 * 60 * 1000

/** Sources that take events from whoever knows their address, or comes from a listed one. */
export function checkSources(config: ResolvedConfig): Check[] {
  const open = [...config.sources.values()].filter(({ auth, signatureSecrets }) => {
    return auth === 'none' && signatureSecrets === null
  })
  return open.map(({ name, ipAllow }) => {
    const who = ipAllow === null ? 'whoever knows its address' : 'whoever has an address of its list'
    return warning(
      'auth',
      `Source ${name} asks for no secret: ${who} can send events.`,
      "Remove auth: 'none' from it, and give the agent the secret.",
    )
  })
}

/**
 * How strong the secrets are that can be seen, and how old all are.
 *
 * @param known those of the store; null where it cannot be asked.
 */
export async function checkSecrets(
  environment: Pick<Environment, 'webhookSecrets' | 'adminToken' | 'dataDir'>,
  config: ResolvedConfig,
  known: readonly KnownSecret[] | null,
  nowMs: number,
): Promise<Check[]> {
  const given = await givenSecrets(environment, config)
  const checks = given.flatMap(({ where, secret, rotate }) => {
    const weakness = weaknessOf(secret)
    return weakness === null
      ? []
      : [warning('secret strength', `${where} ${weakness}.`, `${rotate} One is made with: ${secretCommand}`)]
  })
  if (checks.length === 0) checks.push(passed('secret strength', strengthText(given.length)))
  return [...checks, ...ageChecks(given, known, nowMs)]
}

function strengthText(count: number): string {
  if (count === 0) return 'No secret is made yet; the first start makes strong ones.'
  return count === 1 ? 'The one that can be seen is strong.' : `All ${count} that can be seen are strong.`
}

interface Given {
  where: string
  secret: string
  /** What to do to have another, as a sentence. */
  rotate: string
}

/** Secrets in plain, wherever they are given; the store has only hashes. */
async function givenSecrets(
  { webhookSecrets, adminToken, dataDir }: Pick<Environment, 'webhookSecrets' | 'adminToken' | 'dataDir'>,
  config: ResolvedConfig,
): Promise<Given[]> {
  const given: Given[] = (webhookSecrets ?? []).map((secret, index, all) => ({
    where: all.length === 1 ? 'WEBHOOK_SECRET' : `Secret ${index + 1} of WEBHOOK_SECRET`,
    secret,
    rotate: 'Add another to WEBHOOK_SECRET after a comma, give it to the agents, then remove this one.',
  }))
  for (const { name, secrets } of config.sources.values()) {
    for (const [index, secret] of secrets.entries()) {
      given.push({
        where: `sources.${name}.secrets[${index}] of the config file`,
        secret,
        rotate: 'Add another beside it, give it to the agents, then remove this one.',
      })
    }
  }
  const made = webhookSecrets === null ? await readSecretFile(dataDir, 'webhook-secret') : null
  if (made !== null) {
    given.push({
      where: `The secret in ${dataDir}/webhook-secret`,
      secret: made,
      rotate: `Make another with "hookswitch tokens create", give it to the agents, then put it into that file.`,
    })
  }
  const token = adminToken ?? (await readSecretFile(dataDir, 'admin-token'))
  if (token !== null) {
    const where = adminToken === null ? `The admin token in ${dataDir}/admin-token` : 'HOOKSWITCH_ADMIN_TOKEN'
    given.push({ where, secret: token, rotate: 'Put another in its place and start the server again.' })
  }
  return given
}

function ageChecks(given: readonly Given[], known: readonly KnownSecret[] | null, nowMs: number): Check[] {
  const name = 'secret age'
  if (known === null) return []
  const byHash = new Map(
    given.map((entry) => [createHash('sha256').update(entry.secret).digest('hex'), entry] as const),
  )
  const old = known.flatMap(({ id, source, hash, origin, createdAt, expiresAt }) => {
    const ended = expiresAt !== null && expiresAt <= nowMs
    if (ended || nowMs - createdAt <= ageMaxMs) return []
    const age = formatAge(nowMs - createdAt)
    if (origin === 'api') {
      const which = source === defaultSource ? '' : ` --source ${source}`
      return [
        warning(
          name,
          `Secret ${id} of source ${source} is ${age} old.`,
          `Make another and let this one end: hookswitch tokens rotate${which} --overlap 24h`,
        ),
      ]
    }
    // The store remembers the others as well, which are valid no more.
    const entry = byHash.get(hash)
    return entry === undefined ? [] : [warning(name, `${entry.where} is ${age} old.`, entry.rotate)]
  })
  return old.length > 0 ? old : [passed(name, 'No secret is older than 90 days.')]
}
