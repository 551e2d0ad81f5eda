import { ingestAnswers } from '@hookswitch/events'
import { refused, tooLarge, type Verdict } from './answer.ts'
import type { Incoming } from './incoming.ts'

/** What can be said before anything else is looked at: method, declared length, encoding. */
export function refuseHead(incoming: Incoming, bodyBytesMax: number): Verdict | null {
  if (incoming.method !== 'POST') return refused(ingestAnswers.method_not_allowed, 'method_not_allowed')
  if (Number(incoming.header('content-length')) > bodyBytesMax) return tooLarge()
  const encoding = incoming.header('content-encoding')?.trim().toLowerCase() ?? 'identity'
  return encoding === 'identity' ? null : refused(ingestAnswers.unsupported_encoding, 'encoded')
}
