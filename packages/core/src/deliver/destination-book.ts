import type { DeliveryStore } from './delivery-store.ts'
import type { StoredDestination } from './destination.ts'

/** The destinations as they were read last, so that a claim costs no question to the store. */
export class DestinationBook {
  readonly #store: Pick<DeliveryStore, 'listDestinations'>
  readonly #known = new Map<number, StoredDestination>()
  #reading: Promise<void> | null = null

  constructor(store: Pick<DeliveryStore, 'listDestinations'>) {
    this.#store = store
  }

  /** At least of the version that is asked for; null when there is none such any more. */
  async get(key: number, version: number): Promise<StoredDestination | null> {
    // A reading that was under way may be older than the change that is asked for; the next is not.
    for (let readings = 0; readings <= 2; readings += 1) {
      if (readings > 0) await this.#read()
      const known = this.#known.get(key)
      if (known !== undefined && known.version >= version) return known
    }
    return null
  }

  #read(): Promise<void> {
    this.#reading ??= this.#store
      .listDestinations()
      .then((destinations) => {
        this.#known.clear()
        for (const destination of destinations) this.#known.set(destination.key, destination)
      })
      .finally(() => {
        this.#reading = null
      })
    return this.#reading
  }
}
