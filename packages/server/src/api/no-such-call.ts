import type { PublishStore } from '@hookswitch/core'
import { ApiError } from './errors.ts'

/** Of a call without a record: unknown, or started here and still without an event. */
export async function noSuchCall(
  store: Pick<PublishStore, 'getStartedCall'>,
  callId: string,
): Promise<ApiError> {
  const started = await store.getStartedCall(callId)
  const isFresh = started?.progress.state === 'created'
  return new ApiError(
    'not_found',
    isFresh ? 'This call was started here and has no event yet' : 'No call has this callId',
  )
}
