import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { matrixFolder, matrixIsMissing } from './matrix.ts'

const name = 'the types of every framework of the matrix take the adapters as they are'

test.skipIf(matrixIsMissing !== null)(
  matrixIsMissing === null ? name : `${name} (${matrixIsMissing})`,
  async () => {
    const tsc = join(matrixFolder, '../node_modules/.bin/tsc')
    // It writes what is wrong to its standard output, which is in the error then.
    const { stdout } = await promisify(execFile)(tsc, [
      '--project',
      join(matrixFolder, 'tsconfig.usage.json'),
      '--pretty',
      'false',
    ]).catch((error: unknown) => error as { stdout: string })
    expect(stdout).toBe('')
  },
)
