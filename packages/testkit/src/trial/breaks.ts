import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

/** A text of the real source, and what stands there instead. */
interface Edit {
  find: string
  replace: string
}

/** The source, broken on purpose: the trial must see it, or it sees nothing. */
export interface Break {
  /** What is wrong then. */
  says: string
  /** From the folder of the packages. */
  file: string
  edits: readonly Edit[]
}

export const breaks = {
  'lane-lock': {
    says: 'a lane that is claimed can be claimed again',
    file: 'store-sql/src/sqlite/work.ts',
    edits: [
      {
        find: `FROM lanes INDEXED BY lanes_due
       WHERE state = 'running' AND epoch IS NULL AND destination_key = ? AND retrying = ? AND due_at <= ?`,
        replace: `FROM lanes
       WHERE state = 'running' AND destination_key = ? AND retrying = ? AND due_at <= ?`,
      },
    ],
  },
  'remembered-head': {
    says: 'the head of a lane is remembered until its result is written, and not looked up',
    file: 'store-sql/src/sqlite/lanes.ts',
    edits: [
      {
        find: `const head = this.#head.get(destination_key, lane_key) as HeadRow | undefined`,
        replace: `const name = destination_key + ' ' + lane_key
    const head = this.byKey.get(this.heads.get(name) ?? 0) ?? this.#head.get(destination_key, lane_key)
    if (head !== undefined) this.heads.set(name, head.key)`,
      },
      {
        find: `this.#finish.run(state, reason, attempts, now, key)`,
        replace: `this.#finish.run(state, reason, attempts, now, key)
    for (const [name, head] of this.heads) if (head === key && state !== 'skipped') this.heads.delete(name)`,
      },
      {
        find: `this.#delete = database.prepare(`,
        replace: `this.heads = new Map()
    this.byKey = database.prepare('SELECT * FROM deliveries WHERE key = ?')
    this.#delete = database.prepare(`,
      },
    ],
  },
  'folded-early': {
    says: 'foldedSeq is advanced in a transaction of its own, before the deliveries are written',
    file: 'store-sql/src/sqlite/fold.ts',
    edits: [
      {
        find: `this.#state = database.prepare(`,
        replace: `this.commitNow = () => database.exec('COMMIT; BEGIN IMMEDIATE')
    this.#state = database.prepare(`,
      },
      {
        find: `const keys = new Map<string, number>()`,
        replace: `this.commitNow()
    const keys = new Map<string, number>()`,
      },
    ],
  },
  'lease-check': {
    says: 'a result is written whoever holds the lane by now',
    file: 'store-sql/src/sqlite/work.ts',
    edits: [
      {
        find: `if (lane === undefined || lane.epoch !== turn.epoch || lane.claim !== result.claim) return false`,
        replace: `if (lane === undefined) return false`,
      },
    ],
  },
  'retry-counted-twice': {
    says: 'a try that failed takes two of the budget',
    file: 'core/src/deliver/settle.ts',
    edits: [{ find: `headAttempts: headAttempts + 1 }`, replace: `headAttempts: headAttempts + 2 }` }],
  },
} satisfies Record<string, Break>

export type BreakName = keyof typeof breaks

export function isBreak(name: string): name is BreakName {
  return Object.hasOwn(breaks, name)
}

const packages = new URL('../../../', import.meta.url)

/** The source as it is then. Throws where a text does not stand there exactly once: the table has rotted. */
export function brokenSource({ file, edits }: Break): string {
  let source = readFileSync(new URL(file, packages), 'utf8')
  for (const { find, replace } of edits) {
    const times = source.split(find).length - 1
    if (times !== 1) {
      throw new Error(
        `packages/${file} has this ${times} times and not once; mend the table of breaks:\n${find}`,
      )
    }
    source = source.replace(find, () => replace)
  }
  return source
}

/** From now on the modules of this process are loaded with the break in them. */
export function breakSource(name: BreakName): void {
  const broken = breaks[name]
  const source = brokenSource(broken)
  const path = fileURLToPath(new URL(broken.file, packages))
  registerHooks({
    load(url, context, nextLoad) {
      const isIt = url.startsWith('file:') && fileURLToPath(url) === path
      return isIt ? { format: 'module-typescript', source, shortCircuit: true } : nextLoad(url, context)
    },
  })
}
