import { describe, expect, test } from 'vitest'
import { nextCallState } from '../packages/core/src/publish/call-state.ts'
import { repeatableMax, type CallState } from '../packages/core/src/publish/started-call.ts'
import { callFaults, eventFaults, faultPresets } from '../packages/sender/src/simulator/faults.ts'
import type { ApiOptions } from '../packages/server/src/api/app.ts'
import { createApi } from '../packages/server/src/api/create-api.ts'
import { apiAgentFields, apiWebhookFields } from '../packages/server/src/agents/agent-fields.ts'
import { codesIn, firstCodes, readPage, rowsUnder, sectionOf } from './page-reader.ts'

// What the pages about sending say, held to the code.

const platform = 'docs/be-the-platform.md'
const rehearse = 'docs/rehearse.md'
const details = 'docs/platform-details.md'

interface Shape {
  properties?: Record<string, Shape>
}

interface Operation {
  requestBody?: { content: { 'application/json': { schema: Shape } } }
}

describe('be-the-platform.md', () => {
  test('says of each state of a call what may be published in it, and what becomes of the call', () => {
    const rows = rowsUnder(platform, 'Publish')
    expect(rows.map(([state = '']) => codesIn(state)[0])).toEqual(['created', 'started', 'answered', 'ended'])
    const types = [
      ['call.started'],
      ['call.answered'],
      ['transcription.update', 'tool.executed'],
      ['call.ended'],
      ['of.my.own'],
    ]
    for (const [first = '', ...said] of rows) {
      const state = codesIn(first)[0] as CallState
      const found = types.map((group) => {
        const steps = new Set(group.map((type) => wordsOf(state, type)))
        return [...steps].join(' or ')
      })
      expect(found, state).toEqual(said)
    }
  })

  test('lists what an agent and a call are made with', async () => {
    const api = createApi({ isAdmin: () => true } as unknown as ApiOptions)
    const { paths } = (await (await api.request('/api/v1/openapi.json')).json()) as {
      paths: Record<string, { post?: Operation }>
    }
    const bodyOf = (path: string): Record<string, Shape> =>
      paths[path]?.post?.requestBody?.content['application/json'].schema.properties ?? {}
    const ofWebhook = Object.keys(apiWebhookFields.shape).map((name) => `webhook.${name}`)
    const agent = Object.keys(bodyOf('/agents')).flatMap((name) => (name === 'webhook' ? ofWebhook : [name]))
    expect(firstCodes(rowsUnder(platform, 'Agents')).sort()).toEqual(agent.sort())
    const call = Object.keys(bodyOf('/agents/{agentId}/calls'))
    expect(firstCodes(rowsUnder(platform, 'Start a call')).sort()).toEqual(call.sort())
  })

  test('has the numbers of the code', () => {
    expect(sectionOf(platform, 'Publish')).toContain(`The last ${repeatableMax} keys of a call`)
    const { webhook } = apiAgentFields.parse({ name: 'any', webhook: { url: 'https://example.com' } })
    const hours = String(webhook?.limits.failingHours)
    expect(sectionOf(platform, 'When an endpoint fails')).toContain(`\`failingHours\`, ${hours} by default`)
  })
})

function wordsOf(state: CallState, type: string): string {
  const step = nextCallState(state, type)
  if (!step.ok) return '409'
  return step.state === state ? 'stays' : `\`${step.state}\``
}

describe('platform-details.md', () => {
  const sections = [
    'The request',
    'Answers, repeats, order',
    'Which events a call has',
    'What is in an event',
  ]

  test.each([...sections, 'Starting a call'])(
    '"%s" names the page of what is documented, and fills every cell',
    (heading) => {
      const pages = /\b(?:Guide|Webhooks|Set-up|Outcomes|API)\b/
      const rows = rowsUnder(details, heading)
      expect(rows.length).toBeGreaterThan(2)
      for (const row of rows) {
        const [, documented = ''] = row
        expect(/^(?:no\b|Only examples)/.test(documented) || pages.test(documented), row.join(' | ')).toBe(
          true,
        )
        expect(
          row.filter((cell) => cell === ''),
          row.join(' | '),
        ).toEqual([])
      }
    },
  )
})

describe('rehearse.md', () => {
  test('lists the faults with how probable each is, those of events before those of calls', () => {
    const listed = rowsUnder(rehearse, 'Faults').map(([name = '', some, all]) => {
      return [codesIn(name)[0], Number(some), Number(all)]
    })
    const known = [...eventFaults, ...callFaults].map((name) => {
      return [name, faultPresets.some[name], faultPresets.all[name]]
    })
    expect(listed).toEqual(known)
  })

  test('names no fault that is not there', () => {
    const known = new Set<string>([...eventFaults, ...callFaults])
    const named = rowsUnder(rehearse, "What the guide's samples do").flatMap(([, faults = '']) =>
      codesIn(faults),
    )
    expect(named.filter((name) => !known.has(name))).toEqual([])
    const asked = [...readPage(rehearse).matchAll(/--faults ([\w=.,-]+)/g)].flatMap(([, given = '']) =>
      given.split(','),
    )
    const presets = Object.keys(faultPresets)
    expect(asked.length).toBeGreaterThan(3)
    expect(asked.filter((part) => !presets.includes(part) && !known.has(part.replace(/=.*/, '')))).toEqual([])
  })
})
