import type {
  CallAnsweredData,
  CallEndedData,
  CallStartedData,
  ToolExecutedData,
  TranscriptionUpdateData,
} from '@hookswitch/events/schemas'

/** The documented data of the five types. */
export interface EventData {
  'call.started': CallStartedData
  'call.answered': CallAnsweredData
  'transcription.update': TranscriptionUpdateData
  'tool.executed': ToolExecutedData
  'call.ended': CallEndedData
}

/** Of any other type nothing is known but that it is an object. */
export type DataOf<Type extends string> = Type extends keyof EventData
  ? EventData[Type]
  : Record<string, unknown>
