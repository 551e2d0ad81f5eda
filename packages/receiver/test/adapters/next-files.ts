import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'
import { endpoints, isParsed } from './app.ts'

/** Writes an app of Next with every endpoint under the App Router, and under the Pages API at `/api`. */
export async function writeNextApp(folder: string, { middleware }: { middleware: string }): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  await build({
    entryPoints: [join(import.meta.dirname, 'next-app.ts')],
    outfile: join(folder, 'receivers.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['hookswitch-source'],
  })
  const root = join(folder, '../..')
  write(folder, 'package.json', JSON.stringify({ private: true, type: 'module' }))
  write(
    folder,
    'next.config.mjs',
    `export default {
      outputFileTracingRoot: ${JSON.stringify(root)},
      turbopack: { root: ${JSON.stringify(root)} },
      // Else a path with a slash at its end is answered with a redirect, which a platform need not follow.
      skipTrailingSlashRedirect: true,
    }`,
  )
  write(
    folder,
    `${middleware}.js`,
    `import { NextResponse } from 'next/server'
    export async function ${middleware}(request) {
      const headers = new Headers(request.headers)
      headers.set('x-body-length', String((await request.text()).length))
      return NextResponse.next({ request: { headers } })
    }
    export const config = { matcher: ['/behind', '/api/behind'] }`,
  )
  const mounted = [
    ...endpoints.map((endpoint) => [endpoint, endpoint] as const),
    ['behind', 'signed'] as const,
  ]
  for (const [path, endpoint] of mounted) {
    write(
      folder,
      `app/${path}/route.js`,
      `import { appRouter, nextRoute } from ${bundleFrom(`app/${path}/route.js`)}
      export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = nextRoute(appRouter['${endpoint}'])`,
    )
    write(
      folder,
      `pages/api/${path}.js`,
      `import { nextPages, pagesApi } from ${bundleFrom(`pages/api/${path}.js`)}
      export default nextPages(pagesApi['${endpoint}'])
      ${isParsed(endpoint) ? '' : 'export const config = { api: { bodyParser: false } }'}`,
    )
  }
}

function bundleFrom(path: string): string {
  return `'${'../'.repeat(path.split('/').length - 1)}receivers.mjs'`
}

function write(folder: string, path: string, text: string): void {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
