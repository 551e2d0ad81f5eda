import type { Reporter, TestModule } from 'vitest/node'

/**
 * Prints one closing line for the whole run, which machines can read, and turns a skip into a failure where
 * `REQUIRE_SERVICES=1` says that every service is there: a test that quietly ran nowhere has shown nothing.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0
    let failed = unhandledErrors.length
    const skipped: string[] = []
    for (const module of modules) {
      failed += module.errors().length
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') passed += 1
        else if (state === 'skipped') skipped.push(`${module.relativeModuleId} > ${test.fullName}`)
        else failed += 1
      }
    }
    if (process.env['REQUIRE_SERVICES'] === '1' && skipped.length > 0) {
      failed += skipped.length
      process.exitCode = 1
      for (const name of skipped) console.error(`skipped although REQUIRE_SERVICES=1: ${name}`)
    }
    const line = `${passed} passed, ${failed} failed, ${skipped.length} skipped`
    process.once('exit', () => process.stdout.write(`\n${line}\n`))
  }
}
