/** What happens to a node, or between it and the store. */
export type Trouble =
  'death' | 'freeze' | 'cut off' | 'store fault' | 'store silent' | 'store slow' | 'power loss'

interface Stretch {
  trouble: Trouble
  from: number
  /** Null while it lasts. */
  to: number | null
}

/** The troubles of each node, and of all. */
export class Troubles {
  readonly #now: () => number
  readonly #of = new Map<string, Stretch[]>()

  constructor(now: () => number) {
    this.#now = now
  }

  /** Returns what ends it. */
  begin(node: string, trouble: Trouble): () => void {
    const stretch: Stretch = { trouble, from: this.#now(), to: null }
    const known = this.#of.get(node)
    if (known === undefined) this.#of.set(node, [stretch])
    else known.push(stretch)
    return () => {
      stretch.to = this.#now()
    }
  }

  /** One of a moment. */
  note(node: string, trouble: Trouble): void {
    this.begin(node, trouble)()
  }

  /** Whether a node had any trouble since then, or one of those that are asked for. */
  had(node: string, since: number, which?: readonly Trouble[]): boolean {
    return (this.#of.get(node) ?? []).some(
      ({ trouble, to }) => (to === null || to >= since) && (which === undefined || which.includes(trouble)),
    )
  }

  /** Whether any node had trouble since then. */
  anyHad(since: number): boolean {
    return [...this.#of.keys()].some((node) => this.had(node, since))
  }
}
