import { join } from 'node:path'
import { defaultSource, type Environment, type ResolvedConfig, type StartSecrets } from '@hookswitch/server'
import { shellWord } from '../terminal/shell-word.ts'
import type { Terminal } from '../terminal/terminal.ts'

export interface BannerFacts {
  /** Where the server listens. */
  url: string
  environment: Pick<Environment, 'publicUrl' | 'webhookSecrets' | 'dataDir' | 'tls'>
  config: Pick<ResolvedConfig, 'sources'>
  secrets: Pick<StartSecrets, 'webhookSecret' | 'made'>
}

/** The body of the guide's sample, on one line. */
const sample =
  '{"eventType":"call.ended","callId":"test-123","timestamp":"2024-01-15T14:35:00.000Z",' +
  '"data":{"data":{"conversationId":"conv-test","transcription":[],"outcomeResult":{"application_id":"12345"}}}}'

/** What whoever has started the server does next: where to point the agent, with which secret, and how to try it. */
export function formatBanner(facts: BannerFacts, paint: Terminal['paintNote']): string {
  const { url, environment, config } = facts
  const base = environment.publicUrl ?? url
  const paths = [...config.sources.keys()].map((name) =>
    name === defaultSource ? '/webhook' : `/webhook/${name}`,
  )
  const shown: [label: string, ...lines: string[]][] = [
    ['Listening on', url],
    ['Point the agent at', ...paths.map((path) => base + path)],
    ['Authorization', secretLine(facts, paint)],
    // What asks for a signature is not tried by hand.
    ...(isSigned(facts) ? [] : [['Try it', ...curl(facts)] satisfies [string, ...string[]]]),
    ['Then see', 'npx hookswitch calls'],
  ]
  const labelColumns = Math.max(...shown.map(([label]) => label.length))
  const lines = shown.flatMap(([label, ...texts]) =>
    texts.map((text, index) => {
      return `  ${index === 0 ? paint('bold', label.padEnd(labelColumns)) : ' '.repeat(labelColumns)}  ${text}`
    }),
  )
  const warnings = warningsOf(facts).map((warning) => `  ${paint('yellow', 'Warning')}  ${warning}`)
  return ['', ...lines, ...(warnings.length === 0 ? [] : ['', ...warnings]), ''].join('\n')
}

function isSigned({ config }: BannerFacts): boolean {
  return (config.sources.get(defaultSource)?.signatureSecrets ?? null) !== null
}

/** What a sender must show: in plain only where it was made just now, for it is never shown again. */
function secretLine(facts: BannerFacts, paint: Terminal['paintNote']): string {
  const { config, environment, secrets } = facts
  if (config.sources.get(defaultSource)?.auth === 'none') {
    return isSigned(facts) ? 'none, but bodies must be signed as Standard Webhooks' : 'none is asked for'
  }
  if (environment.webhookSecrets !== null) return 'Bearer, and the secret of WEBHOOK_SECRET'
  if (secrets.webhookSecret === null) return 'Bearer, and a secret of the config file'
  const file = join(environment.dataDir, 'webhook-secret')
  return isNew(secrets)
    ? `Bearer ${paint('green', secrets.webhookSecret)}  (made just now; it lies in ${file})`
    : `Bearer, and the secret in ${file}`
}

/** Can be pasted as it is into a shell. */
function curl({ url, environment, config, secrets }: BannerFacts): string[] {
  // A certificate names the public host; at 127.0.0.1 it would not be believed.
  const base = environment.tls === null ? url : (environment.publicUrl ?? url)
  const header =
    config.sources.get(defaultSource)?.auth === 'none'
      ? []
      : [`  -H "Authorization: Bearer ${shellSecret(environment, secrets)}" \\`]
  return [
    `curl -X POST ${base}/webhook \\`,
    '  -H "Content-Type: application/json" \\',
    ...header,
    `  -d '${sample}'`,
  ]
}

function shellSecret(
  { webhookSecrets, dataDir }: BannerFacts['environment'],
  secrets: BannerFacts['secrets'],
): string {
  if (webhookSecrets !== null)
    return webhookSecrets.length === 1 ? '$WEBHOOK_SECRET' : '${WEBHOOK_SECRET%%,*}'
  if (secrets.webhookSecret === null) return 'your_secret_token'
  if (isNew(secrets)) return secrets.webhookSecret
  return `$(cat ${shellWord(join(dataDir, 'webhook-secret'))})`
}

function isNew({ made }: BannerFacts['secrets']): boolean {
  return made.some(({ name }) => name === 'webhook-secret')
}

function warningsOf({ environment, config }: BannerFacts): string[] {
  const { publicUrl, tls } = environment
  const open = [...config.sources.values()].filter(({ auth, signatureSecrets }) => {
    return auth === 'none' && signatureSecrets === null
  })
  const warnings = open.map(({ name }) => {
    return `Source ${name} asks for no secret: whoever knows its address can send events.`
  })
  if (publicUrl === null && tls === null) {
    warnings.push(
      'The platform sends to https addresses only and does not reach this machine by the one above: ' +
        'put a tunnel or proxy with https before it, and set HOOKSWITCH_PUBLIC_URL to its address.',
    )
  } else if (publicUrl !== null && !publicUrl.startsWith('https://')) {
    warnings.push(`${publicUrl} is not https; the platform refuses such an address.`)
  }
  return warnings
}
