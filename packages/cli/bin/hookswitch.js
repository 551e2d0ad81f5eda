#!/usr/bin/env node
// Plain JavaScript that old versions of Node can read too: whoever runs one is told what to do, not shown a stack.
import { existsSync } from 'fs'

const neededMajor = 24

if (Number(process.versions.node.split('.')[0]) < neededMajor) {
  process.exitCode = 1
  process.stderr.write(
    `Hookswitch needs Node ${neededMajor} or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      'One of these gets you there:\n' +
      `- for one command:     npx -p node@${neededMajor} -p hookswitch hookswitch --help\n` +
      `- where you use nvm:   nvm install ${neededMajor}\n` +
      '- in a clone:          npm start, which brings its own\n',
  )
} else {
  void start()
}

async function start() {
  // In a clone nothing is built: every package is to be found in its sources, as under --conditions=hookswitch-source.
  if (existsSync(new URL('../src/main.ts', import.meta.url))) {
    const { registerHooks } = await import('module')
    registerHooks({
      resolve: (specifier, context, next) =>
        next(specifier, { ...context, conditions: [...context.conditions, 'hookswitch-source'] }),
    })
  }
  await import('#main')
}
