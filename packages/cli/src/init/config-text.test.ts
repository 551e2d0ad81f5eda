import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '@hookswitch/server'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ownModule } from '../own-module.ts'
import { configText, type ConfigChoices } from './config-text.ts'

const repository = join(import.meta.dirname, '../../../..')

const choices: ConfigChoices[] = [
  { source: 'hamsa', auth: 'secret', agentId: null },
  { source: 'hamsa', auth: 'none', agentId: 'agent-123' },
  { source: 'second-tenant', auth: 'secret', agentId: 'agent "q" \\ \'x\'' },
  { source: '7', auth: 'secret', agentId: 'وكيل' },
]

let folder: string

/** A project with hookswitch among its packages, and a config for each of the choices, as written and uncommented. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookswitch-init-'))
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  symlinkSync(join(repository, 'packages/cli'), join(folder, 'node_modules/hookswitch'))
  symlinkSync(join(repository, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const [index, choice] of choices.entries()) {
    writeFileSync(fileOf(index, 'written'), configText(choice))
    writeFileSync(fileOf(index, 'uncommented'), uncommented(configText(choice)))
  }
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function fileOf(index: number, form: 'written' | 'uncommented'): string {
  return join(folder, `${form}-${index}.ts`)
}

/** Takes the slashes off every line of code; prose begins with a capital letter, and `auth` excludes secrets. */
function uncommented(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(/^( *)\/\/ (?=(?:secrets|ipAllow|standardWebhooks|limits): )/, '$1'))
    .filter((line) => !line.includes('auth:'))
    .map((line) => line.replace(/^( {4}|)\/\/ (?=[ '}a-z])/, '$1'))
    .join('\n')
}

describe('the config file that init writes', () => {
  test('type-checks, also with its comments taken off - it is the first thing a user reads', () => {
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({
        extends: join(repository, 'tsconfig.base.json'),
        compilerOptions: { noEmit: true, allowImportingTsExtensions: true },
        include: ['*.ts'],
      }),
    )
    const compiler = join(repository, 'node_modules/typescript/bin/tsc')
    expect(execFileSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' })).toBe('')
  })

  test.each(choices.map((choice, index) => ({ ...choice, index })))(
    'loads: source $source, auth $auth, agent $agentId',
    async ({ index, source, auth, agentId }) => {
      const config = await loadConfig(fileOf(index, 'written'), ownModule)
      expect(config.sources.get(source)).toMatchObject({ auth, secrets: [], ipAllow: null })
      expect([...config.agents.keys()]).toEqual(agentId === null ? [] : [agentId])
      expect(config.destinations).toEqual([])
    },
  )

  test('loads with its comments taken off - what is commented out is not wrong', async () => {
    vi.stubEnv('HAMSA_SECRET', 'a-secret-of-the-sender')
    vi.stubEnv('SIGNING_SECRET', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
    vi.stubEnv('CRM_SECRET', 'a-secret-of-the-crm')
    vi.stubEnv('SLACK_URL', 'https://hooks.slack.com/services/T000/B000/XXXX')
    try {
      const config = await loadConfig(fileOf(0, 'uncommented'), ownModule)
      expect(config.sources.get('hamsa')).toMatchObject({
        secrets: ['a-secret-of-the-sender'],
        signatureSecrets: [expect.stringMatching(/^whsec_/)],
        bodyBytesMax: 1024 * 1024,
      })
      expect(config.sources.get('hamsa')?.ipAllow).not.toBeNull()
      expect(config.agents.get('agent-123')).toMatchObject({ echo: ['application_id'] })
      expect(config.destinations.map(({ definition }) => [definition.name, definition.kind])).toEqual([
        ['crm', 'webhook'],
        ['urgent-calls', 'slack'],
      ])
    } finally {
      vi.unstubAllEnvs()
    }
  })
})
