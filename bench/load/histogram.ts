export interface Percentiles {
  count: number
  p50: number
  p95: number
  p99: number
  max: number
}

/** 128 steps from one power of two to the next: a value is known to 0.8 %. Below 256 every value has its own. */
const stepBits = 8
const steps = 1 << stepBits
/** Up to 2^32 microseconds, 71 minutes. */
const octaves = 32 - stepBits

/** Counts microseconds in a fixed number of cells that grow with the value; the maximum is kept exactly. */
export class Histogram {
  readonly #cells = new Uint32Array((octaves + 1) * steps)
  #count = 0
  #max = 0

  record(micros: number): void {
    const value = micros < 0 ? 0 : Math.min(Math.round(micros), 0xffffffff)
    const octave = value < steps ? 0 : 32 - Math.clz32(value) - stepBits
    // In octave n > 0 only the upper half of the steps is used by (value >>> n); the lower half belongs to n - 1.
    const cell = octave * steps + (value >>> octave)
    this.#cells[cell] = (this.#cells[cell] ?? 0) + 1
    this.#count++
    if (value > this.#max) this.#max = value
  }

  /** The smallest value in microseconds that the given share of the records does not exceed, to 0.8 %. */
  percentile(share: number): number {
    const wanted = Math.ceil(this.#count * share)
    let seen = 0
    for (const [cell, count] of this.#cells.entries()) {
      seen += count
      if (count > 0 && seen >= wanted) {
        const octave = cell >>> stepBits
        const upper = ((cell & (steps - 1)) + 1) * 2 ** octave - 1
        return Math.min(upper, this.#max)
      }
    }
    return this.#max
  }

  /** In milliseconds. */
  summary(): Percentiles {
    const ms = (share: number): number => this.percentile(share) / 1000
    return { count: this.#count, p50: ms(0.5), p95: ms(0.95), p99: ms(0.99), max: this.#max / 1000 }
  }
}
