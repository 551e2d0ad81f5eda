import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const functionsShown = 15

interface ProfileNode {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number }
  children?: number[]
}

interface Profile {
  nodes: ProfileNode[]
  samples: number[]
  /** Microseconds before each sample. */
  timeDeltas: number[]
}

/** Microseconds by function. */
interface Times {
  self: Map<string, number>
  /** With all that it calls. */
  total: Map<string, number>
}

/**
 * The functions in which each thread spent its time, as text. V8 writes one profile for each thread; they open in the
 * browser's developer tools. What waits in a call, for a disk say, counts as time spent there.
 */
export function summarizeProfiles(folder: string): string {
  if (!existsSync(folder)) return `No profile in ${folder}: the server did not end by itself.\n`
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))
  const parts = files.map((name) =>
    summarize(name, JSON.parse(readFileSync(join(folder, name), 'utf8')) as Profile),
  )
  return `\nProfiles in ${folder}\n${parts.join('')}\n`
}

function summarize(name: string, profile: Profile): string {
  const { self, total } = timesOf(profile)
  const all = profile.timeDeltas.reduce((sum, micros) => sum + micros, 0)
  const busy = all - (self.get('(idle)') ?? 0)
  const list = (times: Map<string, number>, isShown: (label: string) => boolean): string =>
    [...times]
      .filter(([label]) => label !== '(idle)' && label !== '(root)' && isShown(label))
      .sort((a, b) => b[1] - a[1])
      .slice(0, functionsShown)
      .map(([label, micros]) => `    ${((100 * micros) / busy).toFixed(1).padStart(5)} %  ${label}`)
      .join('\n')
  const seconds = (micros: number): string => `${(micros / 1e6).toFixed(1)} s`
  return [
    `\n${name}: busy ${seconds(busy)} of ${seconds(all)}; of the busy time`,
    '  in the function itself',
    list(self, () => true),
    "  in the project's functions with what they call",
    list(total, (label) => label.includes('.ts:')),
    '',
  ].join('\n')
}

function timesOf({ nodes, samples, timeDeltas }: Profile): Times {
  const own = new Map<number, number>()
  for (const [at, id] of samples.entries()) own.set(id, (own.get(id) ?? 0) + (timeDeltas[at] ?? 0))
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const times: Times = { self: new Map(), total: new Map() }
  const add = (sums: Map<string, number>, label: string, micros: number): unknown =>
    sums.set(label, (sums.get(label) ?? 0) + micros)

  /** Returns the time of the node with all below it. A function that calls itself counts once, where it began. */
  const visit = (node: ProfileNode, above: ReadonlySet<string>): number => {
    const label = labelOf(node)
    const within = new Set(above).add(label)
    let micros = own.get(node.id) ?? 0
    add(times.self, label, micros)
    for (const id of node.children ?? []) {
      const child = byId.get(id)
      if (child !== undefined) micros += visit(child, within)
    }
    if (!above.has(label)) add(times.total, label, micros)
    return micros
  }
  const root = nodes[0]
  if (root !== undefined) visit(root, new Set())
  return times
}

function labelOf({ callFrame }: ProfileNode): string {
  const { functionName, url, lineNumber } = callFrame
  const function_ = functionName === '' ? '(anonymous)' : functionName
  return url === '' ? function_ : `${function_}  ${basename(url)}:${lineNumber + 1}`
}
