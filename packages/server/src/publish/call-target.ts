import type { PublishStore } from '@hookswitch/core'
import type { CallTarget } from '@hookswitch/destinations'
import type { Sealer } from '../secrets/sealer.ts'

/** A call's own webhook as it is sent to; null where it has none, or is not kept any more. */
export async function callTarget(
  store: Pick<PublishStore, 'getStartedCall'>,
  sealer: Pick<Sealer, 'open'>,
  callId: string,
): Promise<CallTarget | null> {
  const call = await store.getStartedCall(callId)
  if (call === null || call.override === null) return null
  const { authSecret } = sealer.open(callId, call.sealedSecrets)
  return { ...call.override, authSecret: typeof authSecret === 'string' ? authSecret : null }
}
