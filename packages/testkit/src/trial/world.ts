import type { AttemptResult, DeliveryJob } from '@hookswitch/core'
import { Chance } from './chance.ts'
import type { Deed, DeedOf } from './deed.ts'
import { Disk } from './disk.ts'
import { Ledger } from './ledger.ts'
import { FoldTurn, linkTo, noFaults, type LinkFaults } from './link.ts'
import { TrialNode, Wanted } from './node.ts'
import { Operator } from './operator.ts'
import { reply, type Peer } from './peers.ts'
import { drawScenario, healthyName, well, type Scenario } from './scenario.ts'
import { Schedule } from './schedule.ts'
import { Senders } from './senders.ts'
import { Trace } from './trace.ts'
import { Troubles } from './trouble.ts'
import { Witness } from './witness.ts'

/** What all clocks show when a trial begins. */
const beganAt = Date.UTC(2026, 0, 15, 12)

/** All that there is in one trial, and what it has to do with each other. */
export class World {
  readonly schedule: Schedule
  readonly chance: Chance
  readonly scenario: Scenario
  readonly trace: Trace
  readonly troubles: Troubles
  readonly witness: Witness
  readonly disk: Disk
  readonly senders: Senders
  readonly operator: Operator
  readonly peers = new Map<string, Peer>()
  ledger: Ledger
  nodes: TrialNode[] = []
  faults: LinkFaults = noFaults
  phase: 'active' | 'healing' | 'over' = 'active'
  readonly #foldTurn = new FoldTurn()
  /** All that the store has done, with the place on the disk up to which it is written. */
  #deeds: { deed: Deed; at: number; position: number }[] = []
  /** What lies before this is not lost. */
  #syncedTo = 0
  #made = 0

  static async make(seed: number, print: ((line: string) => void) | null): Promise<World> {
    const schedule = new Schedule(beganAt)
    return new World(seed, schedule, await Disk.open(() => schedule.now), print)
  }

  private constructor(seed: number, schedule: Schedule, disk: Disk, print: ((line: string) => void) | null) {
    this.schedule = schedule
    this.disk = disk
    this.chance = new Chance(`trial ${seed}`)
    this.scenario = drawScenario(this.chance.of('scenario'))
    const now = (): number => schedule.now
    this.trace = new Trace(() => schedule.elapsed, print)
    this.troubles = new Troubles(now)
    this.witness = new Witness(this.trace, this.troubles, now)
    this.ledger = new Ledger(this.trace)
    const { activeMs, calls, eventsPerCallMax, duplicates } = this.scenario
    const common = { schedule, trace: this.trace }
    this.senders = new Senders({
      ...common,
      chance: this.chance.of('senders'),
      node: () => this.someNode(),
      calls,
      eventsPerCallMax,
      withinMs: activeMs * 0.7,
      duplicates,
    })
    this.operator = new Operator({
      ...common,
      disk,
      chance: this.chance.of('operator'),
      activeMs,
      done: (deed) => this.#done(deed),
      onAdded: (name, peer) => this.peers.set(name, peer),
    })
    this.#watch()
  }

  /** One more, unless there are enough: when all is well one is enough, and in the end none. */
  addNode(): void {
    const isOneRunning = this.nodes.some(({ isRunning }) => isRunning)
    if (this.phase === 'over' || (this.phase === 'healing' && isOneRunning)) return
    this.#made += 1
    const name = `node-${this.#made}`
    const chance = this.chance.of(name)
    this.nodes.push(
      new TrialNode(name, {
        schedule: this.schedule,
        trace: this.trace,
        chance,
        lanesMax: this.scenario.lanesMax,
        link: (node) =>
          linkTo({
            who: name,
            disk: this.disk,
            schedule: this.schedule,
            chance: chance.of('link'),
            trace: this.trace,
            troubles: this.troubles,
            faults: () => this.faults,
            cutOffUntil: () => (this.phase === 'active' ? node.cutOffUntil : 0),
            receive: (run) => node.receive(run),
            isAlive: () => !node.isDead,
            done: (deed) => this.#done(deed),
            foldTurn: this.#foldTurn,
            asked: (rowKey, claim) => this.witness.asked(rowKey, claim),
          }),
        attempt: (node, job, signal) => this.#attempt(node, job, signal),
        onResult: (node, job, isWritten) => this.#onResult(node, job, isWritten),
      }),
    )
  }

  /** The store has done something: it is held against what it has done before. */
  #done(deed: Deed): void {
    const at = this.schedule.now
    this.ledger.take(deed, at)
    const { position } = this.disk
    this.#deeds.push({ deed, at, position })
    if (isSynced(deed)) this.#syncedTo = position
    if (deed.kind === 'worked') this.#worked(deed)
    if (deed.kind === 'epochEnded') this.trace.note(deed.epoch, 'ends')
    if (deed.kind === 'beaten' && !deed.alive) this.trace.note(deed.epoch, 'has lapsed')
    if (deed.kind === 'folded') {
      this.trace.note('fold', `${deed.commit.foldedSeq}: ${deed.written ? 'written' : 'refused'}`)
      this.trace.count(deed.written ? 'folds' : 'folds refused')
    }
  }

  #worked({ node, request, answer }: DeedOf<'worked'>): void {
    this.witness.worked(request, answer)
    if (!answer.alive) this.trace.count('lapsed epochs')
    for (const [index, { laneKey, claim, outcome }] of request.results.entries()) {
      const refused = answer.written[index] === true ? '' : ', refused'
      this.trace.note(node, `ends lane ${laneKey}/${claim}: ${outcome.kind}${refused}`)
    }
    for (const { delivery, laneKey, claim } of answer.claims) {
      this.trace.note(node, `gets lane ${laneKey}/${claim}: ${delivery.destinationKey}/${delivery.eventSeq}`)
    }
    const { lanes } = this.nodes.find(({ name }) => name === node)?.deliverer ?? { lanes: 0 }
    // One of each destination it may always have, however full it is.
    const lanesMax = this.scenario.lanesMax + this.ledger.destinations.size
    if (lanes > lanesMax) this.trace.broken('P7', `${node} works on ${lanes} lanes of ${lanesMax}`)
  }

  #attempt(node: TrialNode, job: DeliveryJob, signal: AbortSignal): Promise<AttemptResult> {
    const { claim, destination } = job
    const { name } = destination.definition
    const chance = this.chance.of(`try ${this.witness.sightings.length}`)
    const peer = this.peers.get(name) ?? well
    const age = this.phase === 'active' ? this.schedule.elapsed : Infinity
    const { result, afterMs, mood } = reply(peer, job, age, chance)
    if (signal.aborted) this.trace.broken('P3', `${node.name} begins a try that is cut off already`)
    const sighting = this.witness.begin(node.name, job, this.ledger, {
      isHealthy: name === healthyName,
      isSent: mood !== 'filter',
    })
    const told = `${name}/${claim.delivery.eventSeq}, try ${job.attempt}`
    this.trace.note(node.name, `begins ${told}`)
    this.trace.count('tries')
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        if (sighting !== null) this.witness.end(sighting, null)
        reject(signal.reason as Error)
      })
      this.schedule.after(afterMs, () => {
        this.trace.note(name, `${mood}: ${told} of ${node.name}: ${result?.verdict ?? 'throws'}`)
        if (sighting !== null) sighting.taken = result
        node.receive(() => {
          if (signal.aborted) return
          if (sighting !== null) this.witness.end(sighting, result)
          if (result === null) reject(new Wanted('as the trial wants it'))
          else resolve(result)
        })
      })
    })
  }

  #onResult(node: TrialNode, { claim }: DeliveryJob, isWritten: boolean): void {
    if (isWritten) return
    this.trace.count('late results')
    this.trace.note(node.name, `was too late with ${claim.destinationKey}/${claim.delivery.eventSeq}`)
  }

  /** One that is not dead, as a balancer gives it that does not look closely. */
  someNode(): TrialNode | null {
    const alive = this.nodes.filter((node) => !node.isDead)
    return alive.length === 0 ? null : this.chance.pick(alive)
  }

  /** As at SIGTERM. */
  async stop(node: TrialNode): Promise<void> {
    this.trace.note(node.name, 'is told to stop')
    // Tries that it cuts off at the end may have been taken.
    const end = this.troubles.begin(node.name, 'cut off')
    await node.stop(this.chance.between(0, 4_000))
    end()
    this.trace.note(node.name, 'has stopped')
    this.forgetTheDead()
  }

  forgetTheDead(): void {
    this.nodes = this.nodes.filter((node) => !node.isDead)
  }

  /** All nodes die at once, and what was not synced is gone from the disk and from the account of it. */
  async losePower(): Promise<void> {
    const { position } = this.disk
    const kept = Math.max(this.#syncedTo, this.disk.copied)
    // Of a commit that is cut in two, nothing is there.
    const cut = this.chance.between(kept, position)
    this.trace.note(
      'disk',
      `the power fails: ${position - cut} pages of the last ${position - kept} are lost`,
    )
    this.trace.count('power losses')
    for (const node of this.nodes) {
      this.troubles.note(node.name, 'power loss')
      node.kill()
    }
    const nodes = Math.max(1, this.nodes.length)
    this.nodes = []
    await this.disk.lose(cut)
    this.#watch()
    this.witness.powerLost()
    const deeds = this.#deeds.filter((done) => done.position <= cut)
    this.trace.count('deeds lost', this.#deeds.length - deeds.length)
    this.#deeds = deeds
    this.ledger = new Ledger(this.trace)
    this.trace.silently(() => {
      for (const { deed, at } of deeds) this.ledger.take(deed, at)
    })
    this.#done({ kind: 'opened' })
    for (let count = 0; count < nodes; count += 1) {
      this.schedule.after(this.chance.between(100, 3_000), () => this.addNode())
    }
  }

  /** Whoever may have something to do is told, soon; a signal may be lost. */
  #watch(): void {
    const chance = this.chance.of(`signals ${this.disk.life}`)
    this.disk.store.watch((change) => {
      for (const node of this.nodes) {
        if (chance.happens(this.scenario.signalsLost)) continue
        this.schedule.after(chance.between(0, 20), () => node.signal(change))
      }
    })
  }

  async dispose(): Promise<void> {
    for (const node of this.nodes) node.kill()
    await this.disk.dispose()
  }
}

/**
 * What is on the disk before it is answered: what was accepted, and what a person did. A sync cannot be seen from
 * here, so the store is taken at its word.
 */
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
    case 'replayAsked':
    case 'replayCancelled':
      return true
  }
}
