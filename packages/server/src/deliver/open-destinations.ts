import type { StoredDestination } from '@hookswitch/core'
import type { DestinationKind, KindContext, OpenDestination } from '@hookswitch/destinations'

export interface OpenDestinationsOptions {
  kinds: ReadonlyMap<string, DestinationKind>
  /** The secret settings of a destination; throws where they cannot be had, with a message for people. */
  secrets(destination: StoredDestination): Record<string, unknown>
  context: Omit<KindContext, 'name'>
}

/** A destination that is ready to be sent to. */
export interface ReadyDestination {
  send: OpenDestination['send']
  /** Whether the call must be read before anything is sent. */
  readsCall: boolean
}

/** Opens destinations when they are first sent to, and again when they have changed. */
export class OpenDestinations {
  readonly #options: OpenDestinationsOptions
  readonly #open = new Map<number, { version: number; ready: ReadyDestination; close(): Promise<void> }>()

  constructor(options: OpenDestinationsOptions) {
    this.#options = options
  }

  /** @throws Error with a message for people: the settings cannot be used. */
  get(destination: StoredDestination): ReadyDestination {
    const known = this.#open.get(destination.key)
    if (known?.version === destination.version) return known.ready
    const { open, ready } = this.#make(destination)
    this.#open.set(destination.key, {
      version: destination.version,
      ready,
      close: () => open.close(),
    })
    // Tries that are under way with the old settings still end.
    void known?.close()
    return ready
  }

  /** Opens it for one use, whatever was opened before. */
  async use<T>(destination: StoredDestination, run: (ready: ReadyDestination) => Promise<T>): Promise<T> {
    const { open, ready } = this.#make(destination)
    try {
      return await run(ready)
    } finally {
      await open.close()
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((open) => open.close()))
    this.#open.clear()
  }

  #make(destination: StoredDestination): { open: OpenDestination; ready: ReadyDestination } {
    const { definition } = destination
    const kind = this.#options.kinds.get(definition.kind)
    if (kind === undefined) throw new Error(`this program has no kind "${definition.kind}"`)
    const settings = kind.settings.parse({
      ...definition.settings,
      ...this.#options.secrets(destination),
    })
    const open = kind.open(settings, { ...this.#options.context, name: definition.name })
    return {
      open,
      ready: {
        send: (message, signal) => open.send(message, signal),
        readsCall:
          definition.filter !== null ||
          definition.template !== null ||
          kind.reads(settings, definition.template !== null) === 'call',
      },
    }
  }
}
