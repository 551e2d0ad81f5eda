import type {
  Appended,
  FoldCommit,
  NewEvent,
  RoutedDelivery,
  StoredDelivery,
  StoredDestination,
  WorkAnswer,
  WorkRequest,
} from '@hookswitch/core'

/** Something that the store has answered, in the order in which it did. */
export type Deed =
  | { kind: 'appended'; batch: readonly NewEvent[]; answer: readonly Appended[] }
  | { kind: 'folded'; commit: FoldCommit; written: boolean }
  | {
      kind: 'worked'
      node: string
      request: WorkRequest
      answer: WorkAnswer
      /** Per result: for how long the destination asked to be left alone, and by which policy it was tried. */
      asked: { restMs: number | null; triesMax: number | null }[]
    }
  | { kind: 'beaten'; node: string; epoch: string; alive: boolean }
  | { kind: 'epochEnded'; epoch: string }
  /** Opened anew, by a process that knows that no other has it open. */
  | { kind: 'opened' }
  | { kind: 'replayAsked'; replayKey: number; destinationKey: number }
  | { kind: 'replayed'; replayKey: number; deliveries: readonly RoutedDelivery[]; isDone: boolean }
  | { kind: 'replayCancelled'; replayKey: number }
  | { kind: 'destination'; stored: StoredDestination; act: 'added' | 'changed' | 'held' | 'resumed' }
  | {
      kind: 'removed'
      destinationKey: number
      undelivered: 'skip' | 'dead'
      isDone: boolean
      /** What still waits. */
      left: readonly DeliveryName[]
    }
  | { kind: 'retried' | 'skipped'; delivery: DeliveryName }
  | { kind: 'laneResumed' | 'laneSkipped'; destinationKey: number; laneKey: string }

/** What makes a delivery that delivery, whatever its row's number. */
export type DeliveryName = Pick<StoredDelivery, 'destinationKey' | 'eventSeq' | 'replayKey'>

export function deliveryName({ destinationKey, eventSeq, replayKey }: DeliveryName): string {
  return `${destinationKey}/${eventSeq}/${replayKey ?? 'routed'}`
}

/** One kind of them. */
export type DeedOf<Kind extends Deed['kind']> = Extract<Deed, { kind: Kind }>
