import type { World } from './world.ts'

/** What goes wrong, each now and then. */
export function planMishaps(world: World): void {
  const { deathMs, freezeMs, cutOffMs, stopMs, powerLossMs } = world.scenario.pace
  nowAndThen(world, 'deaths', deathMs, () => killOne(world))
  nowAndThen(world, 'freezes', freezeMs, () => freezeOne(world))
  nowAndThen(world, 'cut off', cutOffMs, () => cutOffOne(world))
  nowAndThen(world, 'stops', stopMs, () => stopOne(world))
  nowAndThen(world, 'power', powerLossMs, () => void world.losePower())
}

/** At random, with that mean time between two, as long as things go wrong at all. */
export function nowAndThen(world: World, what: string, meanMs: number | null, run: () => void): void {
  if (meanMs === null) return
  const chance = world.chance.of(what)
  const again = (): void => {
    world.schedule.after(-Math.log(1 - chance.next()) * meanMs, () => {
      if (world.phase !== 'active') return
      run()
      again()
    })
  }
  again()
}

function killOne(world: World): void {
  const node = world.someNode()
  if (node === null) return
  world.trace.note(node.name, 'dies')
  world.trace.count('deaths')
  world.troubles.begin(node.name, 'death')
  node.kill()
  world.forgetTheDead()
  world.schedule.after(world.chance.between(0, 15_000), () => world.addNode())
}

function freezeOne(world: World): void {
  const node = world.someNode()
  if (node?.isRunning !== true) return
  const ms = world.chance.pick([200, 2_000, 4_000, 6_000, 9_000, 12_000, 25_000])
  world.trace.note(node.name, `stands still for ${ms} ms`)
  world.trace.count('freezes')
  const end = world.troubles.begin(node.name, 'freeze')
  node.freeze()
  world.schedule.after(ms, () => {
    if (!node.isFrozen) return
    world.trace.note(node.name, 'goes on')
    end()
    node.thaw()
  })
}

function cutOffOne(world: World): void {
  const node = world.someNode()
  if (node === null) return
  const ms = world.chance.between(500, 25_000)
  world.trace.note(node.name, `is cut off from the store for ${ms} ms`)
  world.trace.count('cut off')
  const end = world.troubles.begin(node.name, 'store silent')
  node.cutOffUntil = world.schedule.now + ms
  world.schedule.after(ms, end)
}

function stopOne(world: World): void {
  const node = world.someNode()
  if (node?.isRunning !== true) return
  world.trace.count('stops')
  void world.stop(node).then(() => world.addNode())
}
