import { pathToFileURL } from 'node:url'
import { bundleOf, sizeBudgets, type SizeBudget } from '../packages/receiver/test/bundle-size.ts'

/** What the packages that go into other people's bundles add to them: `npm run size`, and `--json`. */
export interface Size extends SizeBudget {
  minifiedBytes: number
  gzipBytes: number
}

export async function measureSizes(): Promise<Size[]> {
  return await Promise.all(
    sizeBudgets.map(async (budget) => {
      const { minifiedBytes, gzipBytes } = await bundleOf(budget)
      return { ...budget, minifiedBytes, gzipBytes }
    }),
  )
}

export function tableOf(sizes: readonly Size[]): string {
  const number = (value: number): string => value.toLocaleString('en')
  const rows = [
    ['import', 'minified', 'gzip', 'budget', ''],
    ...sizes.map(({ from, names, minifiedBytes, gzipBytes, gzipBytesMax }) => [
      `${from}  ${names}`,
      number(minifiedBytes),
      number(gzipBytes),
      number(gzipBytesMax),
      gzipBytes > gzipBytesMax ? 'over' : '',
    ]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [flag, ...more] = process.argv.slice(2)
  if ((flag !== undefined && flag !== '--json') || more.length > 0) {
    process.stderr.write(`size: ${[flag, ...more].join(' ')} is not known; expected nothing, or --json\n`)
    process.exit(2)
  }
  const sizes = await measureSizes()
  process.stdout.write(`${flag === '--json' ? JSON.stringify(sizes, null, 2) : tableOf(sizes)}\n`)
  if (sizes.some(({ gzipBytes, gzipBytesMax }) => gzipBytes > gzipBytesMax)) process.exitCode = 1
}
