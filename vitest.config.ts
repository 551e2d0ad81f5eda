import { defineConfig } from 'vitest/config'
import ClosingLine from './scripts/test-reporter.ts'

const conditions = ['hookswitch-source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'packages/*/test/**/*.test.ts', 'scripts/**/*.test.ts'],
    reporters: ['default', new ClosingLine()],
    pool: 'forks',
    // Workers and child processes under test resolve the workspace to its sources, as `npm start` does.
    execArgv: ['--conditions=hookswitch-source'],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
