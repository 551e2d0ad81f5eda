/** Lets so many through at a time, the others in the order in which they came. */
export interface Gate {
  through<T>(run: () => Promise<T>): Promise<T>
}

export function createGate(placesMax: number): Gate {
  let free = placesMax
  const waiting: (() => void)[] = []
  return {
    async through(run) {
      if (free > 0) free -= 1
      // The place is handed on, so that nobody who comes later takes it.
      else await new Promise<void>((resolve) => waiting.push(resolve))
      try {
        return await run()
      } finally {
        const next = waiting.shift()
        if (next === undefined) free += 1
        else next()
      }
    },
  }
}
