import { resolveConfig } from '@hookswitch/server'
import type { HookswitchConfig } from '@hookswitch/server/config'
import { describe, expect, test } from 'vitest'
import { formatBanner, type BannerFacts } from './banner.ts'

const plain = (_: string, text: string): string => text

function banner(facts: Partial<BannerFacts['environment']> = {}, config: HookswitchConfig = {}): string {
  return formatBanner(
    {
      url: 'http://127.0.0.1:4000',
      environment: { publicUrl: null, webhookSecrets: null, dataDir: '/data', tls: null, ...facts },
      config: resolveConfig(config),
      secrets: { webhookSecret: 'whk_made-before', made: [] },
    },
    plain,
  )
}

describe('the banner', () => {
  test('points the agent at the public address of every source, and tries it here - the way from outside may not be there yet', () => {
    const text = banner({ publicUrl: 'https://hooks.example.com' }, { sources: { second: {} } })
    expect(text).toMatch(
      /Point the agent at +https:\/\/hooks\.example\.com\/webhook\n +https:\/\/hooks\.example\.com\/webhook\/second\n/,
    )
    expect(text).toContain('curl -X POST http://127.0.0.1:4000/webhook')
    expect(text).not.toContain('Warning')
  })

  test('warns that the platform wants https and does not reach this machine', () => {
    expect(banner()).toMatch(/Warning {2}The platform sends to https addresses only .*HOOKSWITCH_PUBLIC_URL/)
  })

  test('warns of a public address that is not https', () => {
    expect(banner({ publicUrl: 'http://hooks.example.com' })).toMatch(/Warning.*is not https/)
  })

  test('warns of a source that asks for nothing, and then shows no header - unless it asks for a signature', () => {
    const open = banner({}, { sources: { hamsa: { auth: 'none' } } })
    expect(open).toMatch(/Authorization +none is asked for/)
    expect(open).toMatch(/Warning {2}Source hamsa asks for no secret/)
    expect(open).not.toContain('-H "Authorization')
    const signed = banner(
      {},
      {
        sources: {
          hamsa: { auth: 'none', standardWebhooks: { secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'] } },
        },
      },
    )
    expect(signed).toMatch(/Authorization +none, but bodies must be signed/)
    expect(signed).not.toContain('asks for no secret')
    expect(signed).not.toContain('curl')
  })

  test('shows no secret that is not new - it would be in the log of every start', () => {
    expect(banner()).not.toContain('whk_made-before')
    expect(banner({ webhookSecrets: ['given-secret'] })).not.toContain('given-secret')
    expect(banner({}, { sources: { hamsa: { secrets: ['config-secret'] } } })).not.toContain('config-secret')
  })
})
