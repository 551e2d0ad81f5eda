import { describe, expect, test } from 'vitest'
import { type AttemptResult, traceBytesMax, type Verdict } from '@hookswitch/core'
import {
  type CallTarget,
  createEgress,
  type DestinationKind,
  type EgressOptions,
  type KindContext,
  type Message,
  type OpenDestination,
} from '@hookswitch/destinations'
import { failureCases } from './failures.ts'
import type { PlainAnswer } from './misbehave.ts'
import { loopback, type Peer, type PeerAnswer, type PeerOptions, startPeer } from './peer.ts'
import { privacyCases } from './privacy.ts'
import { sampleMessage } from './sample-message.ts'
import { statusCases } from './statuses.ts'

/** What a kind that sends by HTTP gives to be held to the contract. */
export interface DestinationHarness<Settings> {
  kind: DestinationKind<Settings>
  /** Settings with which everything goes to this base URL (`https://127.0.0.1:4000`), with secrets set. */
  settings(baseUrl: string): unknown
  /** The same for a kind that has its URL and secrets from the call: what calls are started with. */
  override?(baseUrl: string): CallTarget
  /** The values of those secrets, and what is secret in the URL: texts that no result may hold. */
  secrets: readonly string[]
  /** How the service answers what it takes. */
  accepts: PlainAnswer
  /** Statuses that this kind judges in another way than the documented table, when the body is empty. */
  verdicts?: Readonly<Record<number, Verdict>>
  /** The setting that `check` names when the base URL may not be reached. */
  urlSetting: string
}

/** How a case sends, where it is not the usual way. */
export interface SendOptions {
  message?: Partial<Message>
  signal?: AbortSignal
  egress?: Partial<EgressOptions>
}

/** What a case works with. Whatever it starts is ended for it. */
export interface DestinationUse extends Pick<
  DestinationHarness<unknown>,
  'accepts' | 'secrets' | 'urlSetting'
> {
  kind: DestinationKind
  settings(baseUrl: string): unknown
  /** All that a person gave for it, and of that what is secret. */
  given(baseUrl: string): { all: unknown; secret: unknown }
  /** What the kind is to make of a status with an empty body. */
  verdictOf(status: number): Verdict
  peer(answer: PeerAnswer, options?: PeerOptions): Promise<Peer>
  /** One try, to loopback only; what comes of it can be stored, is bounded and holds no secret. */
  send(baseUrl: string, options?: SendOptions): Promise<AttemptResult>
  check(baseUrl: string, egress?: Partial<EgressOptions>): ReturnType<DestinationKind['check']>
}

/** One promise of a kind. */
export interface DestinationCase {
  name: string
  run(use: DestinationUse): Promise<void>
}

const cases: DestinationCase[] = [...statusCases, ...failureCases, ...privacyCases]

/** How many cases the contract has. */
export const destinationContractCases = cases.length

/**
 * Holds a kind to what every destination that is reached by HTTP promises. A test that comes after it in the file
 * asserts that `ran()` is `destinationContractCases`, so that the suite cannot quietly run nowhere.
 */
export function destinationContract<Settings>(harness: DestinationHarness<Settings>): { ran(): number } {
  let ran = 0
  describe(`${harness.kind.name} holds to the contract of the destinations`, () => {
    for (const { name: rule, run } of cases) {
      test(rule, async () => {
        await withUse(harness, run)
        expect.hasAssertions()
        ran += 1
      })
    }
  })
  return { ran: () => ran }
}

async function withUse<Settings>(
  harness: DestinationHarness<Settings>,
  run: (use: DestinationUse) => Promise<void>,
): Promise<void> {
  const peers: Peer[] = []
  const closing: { close(): Promise<void> }[] = []
  const contextOf = (baseUrl: string, options: Partial<EgressOptions> = {}): KindContext => {
    const egress = createEgress({ allow: loopback(), version: '0.0.0', ...options })
    closing.push(egress)
    return {
      name: 'contract',
      egress,
      publicUrl: null,
      version: '0.0.0',
      runHandler: unasked,
      overrideOf: () => Promise.resolve(harness.override?.(baseUrl) ?? null),
    }
  }
  const open = (baseUrl: string, options?: Partial<EgressOptions>): OpenDestination => {
    const destination = harness.kind.open(
      harness.kind.settings.parse(harness.settings(baseUrl)),
      contextOf(baseUrl, options),
    )
    // Before its egress: in the order in which a node closes them.
    closing.unshift(destination)
    return destination
  }
  try {
    await run({
      ...harness,
      kind: harness.kind,
      given: (baseUrl) => givenTo(harness, baseUrl),
      verdictOf: (status) => harness.verdicts?.[status] ?? tableOf(status),
      async peer(answer, options) {
        const peer = await startPeer(answer, options)
        peers.push(peer)
        return peer
      },
      async send(baseUrl, { message = {}, signal = new AbortController().signal, egress } = {}) {
        const result = await open(baseUrl, egress).send(sampleMessage(message), signal)
        expectKeepable(result, harness.secrets)
        return result
      },
      async check(baseUrl, options) {
        const context = contextOf(baseUrl, options)
        const override = harness.override?.(baseUrl)
        if (override === undefined) {
          return harness.kind.check(harness.kind.settings.parse(harness.settings(baseUrl)), context)
        }
        // As whoever starts the call is answered.
        const problem = await context.egress.check(override.url)
        return problem === null ? null : { setting: harness.urlSetting, problem }
      },
    })
    for (const one of closing.splice(0)) await one.close()
    await Promise.all(peers.map((peer) => peer.deserted()))
  } finally {
    for (const one of closing) await one.close()
    for (const peer of peers) await peer.close()
  }
}

function givenTo<Settings>(
  { kind, settings, override }: DestinationHarness<Settings>,
  baseUrl: string,
): { all: unknown; secret: unknown } {
  const given = settings(baseUrl) as Record<string, unknown>
  const ofCall = override?.(baseUrl)
  return {
    all: [given, ofCall],
    secret: [...kind.secrets.map((name) => given[name]), ofCall?.authSecret],
  }
}

/** The table of the HTTP contract, written out once more: a check that asks the code would agree with it. */
function tableOf(status: number): Verdict {
  if (status >= 200 && status < 300) return 'delivered'
  if ([401, 403].includes(status)) return 'auth'
  if (status === 410) return 'gone'
  return [408, 425, 429].includes(status) || status >= 500 ? 'retry' : 'reject'
}

function expectKeepable(result: AttemptResult, secrets: readonly string[]): void {
  const text = JSON.stringify(result)
  expect(JSON.parse(text), 'a result is stored as JSON').toEqual(result)
  expect(text, 'PostgreSQL stores no NUL').not.toContain('\\u0000')
  for (const secret of secrets) expect(text, 'a result holds no secret').not.toContain(secret)
  for (const kept of [result.request?.body, result.response?.body]) {
    expect(Buffer.byteLength(kept ?? ''), 'what is kept of a body').toBeLessThanOrEqual(traceBytesMax)
  }
}

function unasked(): Promise<AttemptResult> {
  throw new Error('only a handler runs handlers')
}
