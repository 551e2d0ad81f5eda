import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import { openStore, type StoreKind } from './dedupe-stores.ts'

/**
 * A process that handles events and shares what it has handled with others.
 * `hold <kind> <place> <key>` claims the key and keeps it as long as it lives.
 * `race <kind> <place> <count>` handles that many events and says which ones it has handled. What it claims first it
 * holds until it is told to go on, so that no process is through before the other has begun.
 */
const [mode, kind, place, argument] = process.argv.slice(2) as [string, StoreKind, string, string]
const { dedupe, close } = await openStore(kind, place)
if (mode === 'hold') await hold(argument)
else await race(Number(argument))

async function hold(key: string): Promise<void> {
  const leaseMs = 1_000
  const claim = await dedupe.claim(key, leaseMs)
  say(claim.state)
  if (claim.state !== 'claimed') return
  setInterval(() => void dedupe.extend(key, claim.token, leaseMs), leaseMs / 10)
}

async function race(count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, event) => event)
  const handled: number[] = []
  const failed = new Set<number>()
  let begun = false
  const go = once(createInterface(process.stdin), 'line')

  async function handle(event: number): Promise<'handled' | 'again'> {
    const key = `event ${event}`
    const claim = await dedupe.claim(key, 30_000)
    if (claim.state !== 'claimed') return claim.state === 'done' ? 'handled' : 'again'
    const isFirst = !begun
    begun = true
    if (isFirst) say('handling')
    await go
    // Every third one fails at first, and is then there for whoever comes next.
    if (event % 3 === 0 && !isFirst && !failed.has(event)) {
      failed.add(event)
      await dedupe.release(key, claim.token)
      return 'again'
    }
    handled.push(event)
    if (!(await dedupe.done(key, claim.token, 60_000))) throw new Error('the claim was lost')
    return 'handled'
  }

  // Several at once, as an HTTP server has them; what failed or was busy comes again after the others.
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let event = events.shift(); event !== undefined; event = events.shift()) {
        if ((await handle(event)) === 'again') events.push(event)
        await setImmediate()
      }
    }),
  )
  say(JSON.stringify(handled))
  await close()
  process.stdin.destroy()
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
