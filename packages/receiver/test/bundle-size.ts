import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** What an app imports, and what that may add to its bundle. */
export interface SizeBudget {
  from: string
  names: string
  /** Minified and compressed, with what comes from our other packages, but without the peers. */
  gzipBytesMax: number
}

/**
 * What was measured, and a twentieth. Half of the receiver is the reading of an event and of its call, a fifth the
 * checking of the options; of a sender it is the events that it builds.
 */
export const sizeBudgets: readonly SizeBudget[] = [
  { from: '@hookswitch/receiver', names: 'createReceiver', gzipBytesMax: 19_800 },
  {
    from: '@hookswitch/receiver',
    names: 'createReceiver, memoryDedupe, transcriptText, outcomeState, echoed, Rejected',
    gzipBytesMax: 20_600,
  },
  // Of the events package those need what reads an event.
  { from: '@hookswitch/receiver', names: 'transcriptText, outcomeState, echoed', gzipBytesMax: 6_040 },
  { from: '@hookswitch/receiver', names: 'memoryDedupe', gzipBytesMax: 1_040 },
  { from: '@hookswitch/receiver', names: 'Rejected', gzipBytesMax: 350 },
  { from: '@hookswitch/receiver/express', names: 'expressReceiver', gzipBytesMax: 1_090 },
  { from: '@hookswitch/receiver/fastify', names: 'fastifyReceiver', gzipBytesMax: 1_110 },
  { from: '@hookswitch/receiver/hono', names: 'honoReceiver', gzipBytesMax: 650 },
  { from: '@hookswitch/receiver/next', names: 'nextRoute', gzipBytesMax: 400 },
  { from: '@hookswitch/receiver/lambda', names: 'lambdaHandler', gzipBytesMax: 780 },
  { from: '@hookswitch/receiver/redis', names: 'redisDedupe', gzipBytesMax: 1_610 },
  { from: '@hookswitch/receiver/sql', names: 'sqlDedupe, pgDatabase, sqliteDatabase', gzipBytesMax: 2_440 },
  { from: '@hookswitch/receiver/bullmq', names: 'bullmqQueue, bullmqProcessor', gzipBytesMax: 1_120 },
  { from: '@hookswitch/receiver/opentelemetry', names: 'openTelemetry', gzipBytesMax: 370 },
  { from: '@hookswitch/sender', names: 'createSender', gzipBytesMax: 7_900 },
  { from: '@hookswitch/sender', names: 'buildEvent', gzipBytesMax: 3_170 },
  { from: '@hookswitch/sender', names: 'sign', gzipBytesMax: 1_160 },
]

export interface Bundle {
  code: string
  minifiedBytes: number
  gzipBytes: number
}

/** The program as one script, as an app would bundle it for a runtime that has nothing of Node. */
export async function bundled(program: string, external: string[] = []): Promise<Bundle> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: import.meta.dirname, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    platform: 'neutral',
    format: external.length === 0 ? 'iife' : 'esm',
    globalName: 'program',
    external,
    target: 'es2022',
    conditions: ['hookswitch-source'],
    logLevel: 'silent',
  })
  const [{ contents, text } = { contents: new Uint8Array(), text: '' }] = outputFiles
  return {
    code: text,
    minifiedBytes: contents.length,
    gzipBytes: gzipSync(contents, { level: 9 }).length,
  }
}

/** What an app has anyway that imports these subpaths. */
const peers: Record<string, string[]> = {
  '@hookswitch/receiver/bullmq': ['bullmq'],
  '@hookswitch/receiver/opentelemetry': ['@opentelemetry/api'],
}

export function bundleOf({ from, names }: Pick<SizeBudget, 'from' | 'names'>): Promise<Bundle> {
  return bundled(`export { ${names} } from '${from}'`, peers[from])
}
