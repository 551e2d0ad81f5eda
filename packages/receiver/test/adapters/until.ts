/** For all that is waited for here: far longer than it takes, and shorter than the time of a test. */
const waitMsMax = 20_000

const lookEveryMs = 5

/** Resolves when it is so; looks often. What the look throws ends the wait. */
export async function until(what: string, look: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + waitMsMax
  while (!look()) {
    if (performance.now() > giveUpAt) throw new Error(`took over ${waitMsMax} ms, waiting for ${what}`)
    await new Promise((resolve) => {
      setTimeout(resolve, lookEveryMs)
    })
  }
}
