/** One event's place among those of its call. */
export interface Turn {
  /** Resolves when all that came before have ended; null where none has to. */
  begun: Promise<void> | null
  end(): void
}

/** Lets the events of one call pass one after the other, and those of different calls side by side. */
export interface CallTurns {
  /** Turns begin in the order in which they were taken. Each has to end, also one that was never waited for. */
  take(callId: string): Turn
}

export function createCallTurns(): CallTurns {
  /** When the last turn that was taken has ended, by call; those of calls at rest are not kept. */
  const lastEnds = new Map<string, Promise<void>>()
  return {
    take(callId) {
      const begun = lastEnds.get(callId) ?? Promise.resolve()
      const { promise: own, resolve: end } = settledLater()
      const ended = begun.then(() => own)
      lastEnds.set(callId, ended)
      void ended.then(() => {
        if (lastEnds.get(callId) === ended) lastEnds.delete(callId)
      })
      return { begun, end }
    },
  }
}

/** Every turn begins at once. */
export const noTurns: CallTurns = {
  take: () => ({ begun: null, end: () => {} }),
}

function settledLater(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
