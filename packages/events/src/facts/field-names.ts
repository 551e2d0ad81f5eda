// Under which names a call's scalars occur. Only the envelope and the data of `call.ended` are documented; the
// other names were seen in live payloads, in the platform's API, or in emulators of it.

export type TextField =
  | 'agentId'
  | 'agentName'
  | 'projectId'
  | 'conversationId'
  | 'direction'
  | 'channel'
  | 'callType'
  | 'userNumber'
  | 'agentNumber'
  | 'fromNumber'
  | 'toNumber'
  | 'recordingUrl'

export type TimeField = 'startedAt' | 'answeredAt' | 'endedAt'
export type SecondsField = 'durationSeconds' | 'ringSeconds'

/**
 * Where a name is believed. `any`: it says itself that it is about the call. `event`: in events about the call as a
 * whole; elsewhere `startTime` is that of an utterance. `end`: in `call.ended`; elsewhere `duration` is that of a
 * tool or of the ringing.
 */
export type NameScope = 'any' | 'event' | 'end'

type Reading =
  | { kind: 'text'; field: TextField }
  | { kind: 'url'; field: TextField }
  | { kind: 'time'; field: TimeField }
  | { kind: 'seconds'; field: SecondsField; perSecond: number }

/** `rank`: of two names for a field in one object the lower wins. */
export type FieldName = { scope: NameScope; rank: number; reading: Reading }

const rows: readonly [reading: Reading, scope: NameScope, ...names: string[]][] = [
  [{ kind: 'text', field: 'agentId' }, 'any', 'agentId', 'voiceAgentId'],
  [{ kind: 'text', field: 'agentName' }, 'any', 'agentName'],
  [{ kind: 'text', field: 'projectId' }, 'any', 'projectId'],
  [{ kind: 'text', field: 'conversationId' }, 'any', 'conversationId'],
  [{ kind: 'text', field: 'direction' }, 'any', 'callDirection'],
  [{ kind: 'text', field: 'direction' }, 'event', 'direction'],
  [{ kind: 'text', field: 'channel' }, 'any', 'channelType'],
  [{ kind: 'text', field: 'channel' }, 'event', 'channel'],
  [{ kind: 'text', field: 'callType' }, 'any', 'callType'],
  [
    { kind: 'text', field: 'userNumber' },
    'any',
    'userNumber',
    'userPhoneNumber',
    'callerNumber',
    'customerNumber',
  ],
  [{ kind: 'text', field: 'agentNumber' }, 'any', 'agentNumber', 'agentPhoneNumber', 'machineNumber'],
  [{ kind: 'text', field: 'fromNumber' }, 'any', 'fromNumber'],
  [{ kind: 'text', field: 'fromNumber' }, 'event', 'from'],
  [{ kind: 'text', field: 'toNumber' }, 'any', 'toNumber'],
  [{ kind: 'text', field: 'toNumber' }, 'event', 'to'],
  [{ kind: 'url', field: 'recordingUrl' }, 'any', 'conversationRecording', 'recordingUrl', 'mediaUrl'],
  // `callStartedAt` and `call_start_time` come together, the latter in whole seconds.
  [{ kind: 'time', field: 'startedAt' }, 'any', 'callStartedAt', 'callStartTime'],
  [{ kind: 'time', field: 'startedAt' }, 'event', 'startedAt', 'startTime', 'startTimestamp'],
  [{ kind: 'time', field: 'answeredAt' }, 'any', 'callAnsweredAt', 'callAnswerTime'],
  [{ kind: 'time', field: 'answeredAt' }, 'event', 'answeredAt', 'answerTime', 'connectedAt'],
  [{ kind: 'time', field: 'endedAt' }, 'any', 'callEndedAt', 'callEndTime'],
  [{ kind: 'time', field: 'endedAt' }, 'event', 'endedAt', 'endTime', 'endTimestamp'],
  [{ kind: 'seconds', field: 'durationSeconds', perSecond: 1000 }, 'any', 'callDurationMs'],
  [
    { kind: 'seconds', field: 'durationSeconds', perSecond: 1 },
    'any',
    'callDuration',
    'callDurationSeconds',
    'callDurationSecs',
  ],
  [{ kind: 'seconds', field: 'durationSeconds', perSecond: 1000 }, 'end', 'durationMs'],
  [
    { kind: 'seconds', field: 'durationSeconds', perSecond: 1 },
    'end',
    'duration',
    'durationSeconds',
    'durationSecs',
    'durationS',
  ],
  [
    { kind: 'seconds', field: 'ringSeconds', perSecond: 1000 },
    'any',
    'ringDurationMs',
    'ringTimeMs',
    'ringMs',
  ],
  [
    { kind: 'seconds', field: 'ringSeconds', perSecond: 1 },
    'any',
    'ringDuration',
    'ringTime',
    'ringSeconds',
    'ringDurationSeconds',
    'ringTimeSeconds',
  ],
]

/** By how the name is written in a payload: each name is known in camelCase and in snake_case. */
export const fieldNames: ReadonlyMap<string, FieldName> = new Map(
  rows.flatMap(([reading, scope, ...names], row) =>
    names.flatMap((name, column) => {
      const entry = { scope, rank: row * 10 + column, reading }
      const snake = name.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`)
      return [
        [name, entry],
        [snake, entry],
      ] as const
    }),
  ),
)
