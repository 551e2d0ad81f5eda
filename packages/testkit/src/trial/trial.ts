import type { AttemptResult, DeliveryJob } from '@hookswitch/core'
import { Chance } from './chance.ts'
import { Disk } from './disk.ts'
import { lastChecks } from './last-checks.ts'
import { Ledger, type Deed } from './ledger.ts'
import { FoldTurn, linkTo, noFaults } from './link.ts'
import { TrialNode, Wanted } from './node.ts'
import { Operator } from './operator.ts'
import { reply, type Peer } from './peers.ts'
import { drawScenario, healthyName, well, type Scenario } from './scenario.ts'
import { Schedule } from './schedule.ts'
import { Senders } from './senders.ts'
import { Trace, type Breach } from './trace.ts'
import { Troubles } from './trouble.ts'
import { Witness } from './witness.ts'

export interface TrialOptions {
  seed: number
  /** Takes each line of what happens. */
  print?: (line: string) => void
}

export interface TrialReport {
  seed: number
  breach: Breach | null
  /** The last lines before the end, or before the breach. */
  tail: string[]
  /** Of all that happened: two runs of a seed have the same. */
  hash: string
  /** How often what happened. */
  counts: Record<string, number>
  /** Things that happened, and how long they took by the clock of the trial. */
  events: number
  fakeMs: number
  healthyDelayMs: number
}

/** When all is well again, everything has to be done within this. */
const quietMsMax = 30 * 60_000

/** A person looks after what waits for a person this often. */
const tidyMs = 3_000

/** From then on a person does not wait for what is due much later. */
const hurryAfterMs = 30_000

/** What all clocks show when a trial begins. */
const beganAt = Date.UTC(2026, 0, 15, 12)

/** Runs the whole pipeline once, with everything that the seed makes of it. */
export async function runTrial({ seed, print }: TrialOptions): Promise<TrialReport> {
  const trial = await Trial.make(seed, print ?? null)
  try {
    return await trial.run()
  } finally {
    await trial.dispose()
  }
}

class Trial {
  readonly #seed: number
  readonly #schedule: Schedule
  readonly #chance: Chance
  readonly #scenario: Scenario
  readonly #trace: Trace
  readonly #troubles: Troubles
  readonly #witness: Witness
  readonly #disk: Disk
  readonly #senders: Senders
  readonly #operator: Operator
  readonly #foldTurn = new FoldTurn()
  readonly #peers = new Map<string, Peer>()
  /** All that the store has done, with the place on the disk up to which it is written. */
  #deeds: { deed: Deed; at: number; position: number }[] = []
  /** What lies before this is not lost. */
  #syncedTo = 0
  #ledger: Ledger
  #nodes: TrialNode[] = []
  #made = 0
  #faults = noFaults
  #isHealing = false
  #isOver = false

  static async make(seed: number, print: ((line: string) => void) | null): Promise<Trial> {
    const schedule = new Schedule(beganAt)
    return new Trial(seed, schedule, await Disk.open(() => schedule.now), print)
  }

  private constructor(
    seed: number,
    schedule: Schedule,
    disk: Disk,
    print: ((line: string) => void) | null,
  ) {
    this.#seed = seed
    this.#schedule = schedule
    this.#disk = disk
    this.#chance = new Chance(`trial ${seed}`)
    this.#scenario = drawScenario(this.#chance.of('scenario'))
    const now = (): number => schedule.now
    this.#trace = new Trace(() => schedule.elapsed, print)
    this.#troubles = new Troubles(now)
    this.#witness = new Witness(this.#trace, this.#troubles, now)
    this.#ledger = new Ledger(this.#trace)
    const { activeMs, calls, eventsPerCallMax, duplicates } = this.#scenario
    const common = { schedule, trace: this.#trace }
    this.#senders = new Senders({
      ...common,
      chance: this.#chance.of('senders'),
      node: () => this.#someNode(),
      calls,
      eventsPerCallMax,
      withinMs: activeMs * 0.7,
      duplicates,
    })
    this.#operator = new Operator({
      ...common,
      disk,
      chance: this.#chance.of('operator'),
      activeMs,
      done: (deed) => this.#done(deed),
      onAdded: (name, peer) => this.#peers.set(name, peer),
    })
  }

  async run(): Promise<TrialReport> {
    const { activeMs, nodes, destinations, faults, pace } = this.#scenario
    this.#trace.note('trial', `seed ${this.#seed}: ${JSON.stringify(this.#scenario)}`)
    for (const { definition, peer } of destinations) {
      this.#schedule.after(0, () => void this.#operator.add(definition, peer))
    }
    for (let count = 0; count < nodes; count += 1) this.#schedule.after(count * 10, () => this.#addNode())
    this.#senders.start()
    this.#watch()
    this.#nowAndThen('deaths', pace.deathMs, () => this.#killOne())
    this.#nowAndThen('freezes', pace.freezeMs, () => this.#freezeOne())
    this.#nowAndThen('stops', pace.stopMs, () => this.#stopOne())
    this.#nowAndThen('power', pace.powerLossMs, () => void this.#losePower())
    this.#nowAndThen('acts', pace.actMs, () => void this.#operator.act())
    this.#faults = faults
    await this.#until(() => false, beganAt + activeMs)

    this.#heal()
    const healedAt = this.#schedule.now
    this.#tidy(healedAt)
    const isQuiet = await this.#until(() => this.#isQuiet(), healedAt + quietMsMax)
    if (!isQuiet && this.#trace.breach === null) this.#notQuiet()
    // What is still in the air comes down, and changes nothing.
    await this.#until(() => false, this.#schedule.now + 10_000)
    if (this.#trace.breach === null) {
      if (!this.#isQuiet()) this.#notQuiet()
      this.#isOver = true
      for (const node of this.#nodes) void this.#stop(node)
      const areGone = await this.#until(() => this.#nodes.every(({ isDead }) => isDead), this.#schedule.now + 10_000)
      if (!areGone) this.#trace.broken('quiet', 'a node that is told to stop has not')
    }
    if (this.#trace.breach === null) await lastChecks(this.#evidence())
    return {
      seed: this.#seed,
      breach: this.#trace.breach,
      tail: this.#trace.tail,
      hash: this.#trace.hash(),
      counts: this.#trace.counts,
      events: this.#schedule.events,
      fakeMs: this.#schedule.elapsed,
      healthyDelayMs: this.#witness.healthyDelayMs,
    }
  }

  async dispose(): Promise<void> {
    for (const node of this.#nodes) node.kill()
    await this.#disk.dispose()
  }

  #evidence(): Parameters<typeof lastChecks>[0] {
    return {
      disk: this.#disk,
      ledger: this.#ledger,
      senders: this.#senders,
      trace: this.#trace,
      witness: this.#witness,
    }
  }

  #until(done: () => boolean, time: number): Promise<boolean> {
    return this.#schedule.run(() => this.#trace.breach !== null || done(), time)
  }

  // ── What nodes ask for ────────────────────────────────────────────────────────────────────────────────────────

  #addNode(): void {
    // When all is well one is enough, and in the end none.
    if (this.#isOver || (this.#isHealing && this.#nodes.some(({ isRunning }) => isRunning))) return
    this.#made += 1
    const name = `node-${this.#made}`
    const chance = this.#chance.of(name)
    this.#nodes.push(
      new TrialNode(name, {
        schedule: this.#schedule,
        trace: this.#trace,
        chance,
        lanesMax: this.#scenario.lanesMax,
        link: (node) =>
          linkTo({
            who: name,
            disk: this.#disk,
            schedule: this.#schedule,
            chance: chance.of('link'),
            trace: this.#trace,
            troubles: this.#troubles,
            faults: () => this.#faults,
            receive: (run) => node.receive(run),
            isAlive: () => !node.isDead,
            done: (deed) => this.#done(deed),
            foldTurn: this.#foldTurn,
            asked: (rowKey, claim) => this.#witness.asked(rowKey, claim),
          }),
        attempt: (node, job, signal) => this.#attempt(node, job, signal),
        onResult: (node, job, isWritten) => this.#onResult(node, job, isWritten),
      }),
    )
  }

  /** The store has done something: it is held against what it has done before. */
  #done(deed: Deed): void {
    const at = this.#schedule.now
    this.#ledger.take(deed, at)
    const { position } = this.#disk
    this.#deeds.push({ deed, at, position })
    if (deed.kind === 'worked') {
      this.#witness.worked(deed.request, deed.answer)
      for (const [index, { laneKey, claim, outcome }] of deed.request.results.entries()) {
        const isWritten = deed.answer.written[index] === true
        this.#trace.note(deed.node, `ends lane ${laneKey}/${claim}: ${outcome.kind}${isWritten ? '' : ', refused'}`)
      }
      for (const { delivery, laneKey, claim } of deed.answer.claims) {
        const text = `gets lane ${laneKey}/${claim}: ${delivery.destinationKey}/${delivery.eventSeq}`
        this.#trace.note(deed.node, text)
      }
      const { lanes } = this.#nodes.find(({ name }) => name === deed.node)?.deliverer ?? { lanes: 0 }
      const lanesMax = this.#scenario.lanesMax + this.#ledger.destinations.size
      if (lanes > lanesMax) this.#trace.broken('P7', `${deed.node} works on ${lanes} lanes of ${lanesMax}`)
      if (!deed.answer.alive) this.#trace.count('lapsed epochs')
    }
    if (deed.kind === 'folded') {
      this.#trace.note('fold', `${deed.commit.foldedSeq}: ${deed.written ? 'written' : 'refused'}`)
      this.#trace.count(deed.written ? 'folds' : 'folds refused')
    }
    if (isSynced(deed)) this.#syncedTo = position
  }

  #attempt(node: TrialNode, job: DeliveryJob, signal: AbortSignal): Promise<AttemptResult> {
    const { claim, destination } = job
    const { name } = destination.definition
    const chance = this.#chance.of(`try ${this.#witness.sightings.length}`)
    const peer = this.#peers.get(name) ?? well
    const { result, afterMs, mood } = reply(peer, job, this.#isHealing ? Infinity : this.#schedule.elapsed, chance)
    if (signal.aborted) this.#trace.broken('P3', `${node.name} begins a try that is cut off already`)
    const sighting = this.#witness.begin(node.name, job, this.#ledger, {
      isHealthy: name === healthyName,
      isSent: mood !== 'filter',
    })
    const told = `${name}/${claim.delivery.eventSeq}, try ${job.attempt}`
    this.#trace.note(node.name, `begins ${told}`)
    this.#trace.count('tries')
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        if (sighting !== null) this.#witness.end(sighting, null)
        reject(signal.reason as Error)
      })
      this.#schedule.after(afterMs, () => {
        this.#trace.note(name, `${mood}: ${told} of ${node.name}: ${result?.verdict ?? 'throws'}`)
        if (sighting !== null) sighting.taken = result
        node.receive(() => {
          if (signal.aborted) return
          if (sighting !== null) this.#witness.end(sighting, result)
          if (result === null) reject(new Wanted('as the trial wants it'))
          else resolve(result)
        })
      })
    })
  }

  #onResult(node: TrialNode, { claim }: DeliveryJob, isWritten: boolean): void {
    if (isWritten) return
    this.#trace.count('late results')
    this.#trace.note(node.name, `was too late with ${claim.destinationKey}/${claim.delivery.eventSeq}`)
  }

  // ── What goes wrong ───────────────────────────────────────────────────────────────────────────────────────────

  #nowAndThen(what: string, meanMs: number | null, run: () => void): void {
    if (meanMs === null) return
    const chance = this.#chance.of(what)
    const again = (): void => {
      this.#schedule.after(-Math.log(1 - chance.next()) * meanMs, () => {
        if (this.#isHealing) return
        run()
        again()
      })
    }
    again()
  }

  #someNode(): TrialNode | null {
    const alive = this.#nodes.filter((node) => !node.isDead)
    return alive.length === 0 ? null : this.#chance.pick(alive)
  }

  #killOne(): void {
    const node = this.#someNode()
    if (node === null) return
    this.#trace.note(node.name, 'dies')
    this.#trace.count('deaths')
    this.#troubles.begin(node.name, 'death')
    node.kill()
    this.#forgetTheDead()
    this.#schedule.after(this.#chance.between(0, 15_000), () => this.#addNode())
  }

  #freezeOne(): void {
    const node = this.#someNode()
    if (node?.isRunning !== true) return
    const ms = this.#chance.pick([200, 2_000, 4_000, 6_000, 9_000, 12_000, 25_000])
    this.#trace.note(node.name, `stands still for ${ms} ms`)
    this.#trace.count('freezes')
    const end = this.#troubles.begin(node.name, 'freeze')
    node.freeze()
    this.#schedule.after(ms, () => {
      if (!node.isFrozen) return
      this.#trace.note(node.name, 'goes on')
      end()
      node.thaw()
    })
  }

  #stopOne(): void {
    const node = this.#someNode()
    if (node?.isRunning !== true) return
    this.#trace.count('stops')
    void this.#stop(node).then(() => this.#addNode())
  }

  async #stop(node: TrialNode): Promise<void> {
    this.#trace.note(node.name, 'is told to stop')
    // Tries that it cuts off at the end may have been taken.
    const end = this.#troubles.begin(node.name, 'cut off')
    await node.stop(this.#chance.between(0, 4_000))
    end()
    this.#trace.note(node.name, 'has stopped')
    this.#forgetTheDead()
  }

  #forgetTheDead(): void {
    this.#nodes = this.#nodes.filter((node) => !node.isDead)
  }

  async #losePower(): Promise<void> {
    const { position } = this.#disk
    const kept = Math.max(this.#syncedTo, this.#disk.copied)
    // Of a commit that is cut in two, nothing is there.
    const cut = this.#chance.between(kept, position)
    this.#trace.note('disk', `the power fails: ${position - cut} pages of the last ${position - kept} are lost`)
    this.#trace.count('power losses')
    for (const node of this.#nodes) {
      this.#troubles.note(node.name, 'power loss')
      node.kill()
    }
    const nodes = Math.max(1, this.#nodes.length)
    this.#nodes = []
    await this.#disk.lose(cut)
    this.#watch()
    this.#witness.powerLost()
    const deeds = this.#deeds.filter((done) => done.position <= cut)
    this.#trace.count('deeds lost', this.#deeds.length - deeds.length)
    this.#deeds = deeds
    this.#ledger = new Ledger(this.#trace)
    this.#trace.silently(() => {
      for (const { deed, at } of deeds) this.#ledger.take(deed, at)
    })
    this.#done({ kind: 'opened' })
    for (let count = 0; count < nodes; count += 1) {
      this.#schedule.after(this.#chance.between(100, 3_000), () => this.#addNode())
    }
  }

  /** Whoever may have something to do is told, soon; a signal may be lost. */
  #watch(): void {
    const chance = this.#chance.of(`signals ${this.#disk.life}`)
    this.#disk.store.watch((change) => {
      for (const node of this.#nodes) {
        if (chance.happens(this.#scenario.signalsLost)) continue
        this.#schedule.after(chance.between(0, 20), () => node.signal(change))
      }
    })
  }

  // ── How it ends ───────────────────────────────────────────────────────────────────────────────────────────────

  #heal(): void {
    this.#trace.note('trial', 'from here on nothing goes wrong any more')
    this.#isHealing = true
    this.#faults = noFaults
    for (const node of this.#nodes) node.thaw()
    const [first, ...others] = this.#nodes.filter(({ isRunning }) => isRunning)
    if (first === undefined) this.#addNode()
    // One is enough, and all of them would have to be asked for long.
    for (const node of others) void this.#stop(node)
  }

  #tidy(healedAt: number): void {
    const hurries = this.#schedule.now - healedAt > hurryAfterMs
    void this.#operator.tidy(hurries).then(() => {
      this.#schedule.after(tidyMs, () => this.#tidy(healedAt))
    })
  }

  #isQuiet(): boolean {
    return (
      this.#senders.waiting === 0 &&
      this.#ledger.pending === 0 &&
      this.#ledger.foldedSeq === Math.max(0, ...this.#ledger.log.keys())
    )
  }

  #notQuiet(): void {
    const left = [...this.#ledger.deliveries.values()]
      .filter(({ state }) => state === 'pending')
      .slice(0, 5)
      .map(({ destinationKey, eventSeq }) => `${destinationKey}/${eventSeq}`)
    this.#trace.broken(
      'quiet',
      `it is not quiet after ${quietMsMax / 60_000} minutes: ${this.#senders.waiting} messages wait, the log is folded to ${this.#ledger.foldedSeq} of ${this.#ledger.log.size}, ${this.#ledger.pending} deliveries wait (${left.join(', ')} …)`,
    )
  }
}

/** What is on the disk before it is answered: what was accepted, and what a person did. */
function isSynced({ kind }: Deed): boolean {
  switch (kind) {
    case 'worked':
    case 'folded':
    case 'beaten':
    case 'epochEnded':
    case 'opened':
    case 'replayed':
      return false
    case 'appended':
    case 'destination':
    case 'removed':
    case 'retried':
    case 'skipped':
    case 'laneResumed':
    case 'laneSkipped':
      return true
  }
}
