/** Buckets grow by this factor, so that a percentile is at most so much too high, however many values there are. */
const growth = 1.02

/** Values below this many milliseconds are one. */
const smallestMs = 0.01

/** Percentiles of any number of times, in little memory. */
export class Histogram {
  readonly #counts: number[] = []
  #total = 0

  add(ms: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(ms / smallestMs) / Math.log(growth)))
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#total += 1
  }

  /** The time in milliseconds that this share of them does not exceed; null where there is none. */
  percentile(share: number): number | null {
    if (this.#total === 0) return null
    let left = Math.ceil(this.#total * share)
    const bucket = Array.from(this.#counts, (count: number | undefined) => count ?? 0).findIndex((count) => {
      left -= count
      return left <= 0
    })
    return smallestMs * growth ** bucket
  }
}
