import { BlockList } from 'node:net'
import { onTestFinished } from 'vitest'
import type { CallRecord } from '@hookswitch/events'
import {
  sampleCall,
  sampleMessage,
  startPeer,
  type Peer,
  type PeerAnswer,
} from '@hookswitch/testkit/destination-contract'
import { createEgress } from '../src/egress/create-egress.ts'
import type { DestinationKind, KindContext, Message, OpenDestination } from '../src/kind.ts'

export interface Surroundings {
  publicUrl?: string | null
  /** The destination's name. */
  name?: string
  /** Addresses that may be reached; loopback by default. */
  allow?: BlockList | null
  resolve?: (hostname: string) => Promise<{ address: string; family: number }[]>
}

/** What a node gives to a kind, ended with the test. */
export function surround(wanted: Surroundings = {}): KindContext {
  const { publicUrl = null, name = 'ops', allow = loopback(), resolve } = wanted
  const egress = createEgress({ allow, version: '0.0.0', ...(resolve !== undefined && { resolve }) })
  onTestFinished(() => egress.close())
  return {
    name,
    egress,
    publicUrl,
    version: '0.0.0',
    runHandler: () => Promise.reject(new Error('only a handler runs handlers')),
    overrideOf: () => Promise.reject(new Error('only the webhook of a call asks for it')),
  }
}

/** Opens a destination of this kind, which is closed with the test. */
export function openKind<Settings>(
  kind: DestinationKind<Settings>,
  settings: unknown,
  wanted: Surroundings = {},
): OpenDestination {
  const opened = kind.open(kind.settings.parse(settings), surround(wanted))
  onTestFinished(() => opened.close())
  return opened
}

/** A service that ends with the test. */
export async function service(answer: PeerAnswer): Promise<Peer> {
  const peer = await startPeer(answer)
  onTestFinished(() => peer.close())
  return peer
}

export const running = new AbortController().signal

/** What stands in the last request that came, as JSON. */
export function lastJson(peer: Peer): Record<string, unknown> {
  return JSON.parse(peer.requests.at(-1)?.body.toString() ?? '{}') as Record<string, unknown>
}

/** What the settings of a kind say of a value that they do not take. */
export function expectations<Settings>(
  kind: DestinationKind<Settings>,
  settings: unknown,
): Record<string, string> {
  const issues = kind.settings.safeParse(settings).error?.issues ?? []
  return Object.fromEntries(issues.map(({ path, message }) => [path.join('.'), message]))
}

export function loopback(): BlockList {
  const list = new BlockList()
  list.addSubnet('127.0.0.0', 8, 'ipv4')
  return list
}

/** A message about a call, as the samples have it but for what is wanted. */
export function messageOf(call: Partial<CallRecord> = {}, wanted: Partial<Message> = {}): Message {
  return sampleMessage({ call: sampleCall(call), ...wanted })
}

const hostile = '<!channel> & "quotes" \\ @everyone **bold** مرحبا 👩‍👩‍👧 '

/** A call with as much of everything as a record can have, and more than any message takes. */
export function enormousCall(): Partial<CallRecord> {
  const long = hostile.repeat(400)
  return {
    agentName: long,
    userNumber: long,
    agentNumber: long,
    direction: long,
    channel: long,
    recordingUrl: `https://recordings.example/${'a'.repeat(1900)}`,
    outcome: Object.fromEntries(
      Array.from({ length: 300 }, (_, index) => [
        `${index} ${hostile}`,
        { state: 'value', value: long, origin: 'collected' } as const,
      ]),
    ),
    tools: Array.from({ length: 200 }, () => ({
      name: long,
      input: {},
      output: {},
      success: false,
      error: long,
      durationMs: 1,
      at: null,
    })),
    transcript: Array.from({ length: 5000 }, (_, index) => ({
      speaker: index % 2 === 0 ? 'Agent' : hostile,
      text: index % 7 === 0 ? long : `${index} ${hostile}`,
      at: null,
    })),
  }
}
