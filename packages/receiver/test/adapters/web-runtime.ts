import { createContext, runInContext } from 'node:vm'
import { build, type Plugin } from 'esbuild'
import type { Entry } from './app.ts'

/** What a web adapter makes of the receivers: a way to ask each by its path. */
export type AskAt = (path: string, request: Request) => Promise<Response>

/** What every web runtime has. Nothing of Node is here: no Buffer, no process, no require, no setImmediate. */
const webGlobals = {
  AbortController,
  AbortSignal,
  Blob,
  DOMException,
  Event,
  EventTarget,
  FormData,
  Headers,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  TransformStream,
  URL,
  URLSearchParams,
  WritableStream,
  atob,
  btoa,
  clearTimeout,
  console,
  crypto,
  fetch,
  performance,
  queueMicrotask,
  setTimeout,
  structuredClone,
}

/** Of these, what Workers refuse to a module while it is loaded. */
const atRequestsOnly = ['setTimeout', 'crypto', 'fetch'] as const

/**
 * Bundles the module for no platform in particular and runs it where there is nothing but the globals of the web.
 *
 * @param module that exports `open(record): AskAt`.
 * @param aliases of packages that stand somewhere else.
 */
export async function openInWebRuntime(
  module: string,
  aliases: Record<string, string>,
  record: (entry: Entry) => void,
): Promise<AskAt> {
  const { outputFiles } = await build({
    stdin: { contents: module, resolveDir: import.meta.dirname, loader: 'ts' },
    alias: aliases,
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'bundle',
    platform: 'neutral',
    conditions: ['hookswitch-source'],
    plugins: [noNode],
  })
  const context = createContext({ ...webGlobals })
  for (const name of atRequestsOnly) {
    context[name] = new Proxy(webGlobals[name], {
      get: refuse(name),
      apply: refuse(name),
    })
  }
  const code = `${outputFiles[0]?.text ?? ''}; bundle.open`
  const open = runInContext(code, context, { filename: 'bundle.js' }) as (tell: typeof record) => AskAt
  const ask = open(record)
  for (const name of atRequestsOnly) context[name] = webGlobals[name]
  return ask
}

function refuse(name: string): () => never {
  return () => {
    throw new Error(`${name} was used while the module was loaded`)
  }
}

/** Left alone, an import of Node's would fail at run time only, and only where it is reached. */
const noNode: Plugin = {
  name: 'no-node',
  setup(bundling) {
    bundling.onResolve({ filter: /^node:/ }, ({ path, importer }) => ({
      errors: [{ text: `${importer} imports ${path}` }],
    }))
  },
}
