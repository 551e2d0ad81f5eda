import type { Chance } from './chance.ts'
import { courseOf, type Course } from './course.ts'
import { EventWriter } from './event-writer.ts'
import { callFaults, type CallFault, type Faults } from './faults.ts'
import { hugeCharacters, hugeTranscript } from './huge-transcript.ts'
import { writeOutcome } from './outcome.ts'
import { phoneNumber } from './people.ts'
import { clinic } from './scripts/clinic.ts'
import { delivery } from './scripts/delivery.ts'
import { recruiter } from './scripts/recruiter.ts'
import { restaurant } from './scripts/restaurant.ts'
import type { SimulatedCall, SimulatedEvent, SpokenTurn } from './simulated-call.ts'
import type { ResolvedSimulation } from './simulation-options.ts'

export type PlannedCall = Omit<SimulatedCall, 'number' | 'beginsMs' | 'sends'> & {
  /** When each event happens: milliseconds after the call began, in the call's own time. */
  offsetsMs: readonly number[]
}

interface Place {
  number: number
  beginsMs: number
}

const scripts = [recruiter, clinic, delivery, restaurant] as const

/** The recording is there so long after the end. */
const recordingMs = { min: 15_000, max: 40_000 } as const

/** The same end again in the other dialect, as from a second webhook of the agent. */
const secondDialectMs = 40

/** A call of one of the scripts, with its events, as the platform would tell of it. */
export function planCall(chance: Chance, options: ResolvedSimulation, place: Place): PlannedCall {
  // The four take turns, so that even a few calls are of several kinds.
  const script = scripts[place.number % scripts.length] ?? recruiter
  const cast = chance.of('cast')
  const language = cast.pick(['en', 'ar'])
  const [dialect, form] = [
    options.dialect === 'mixed' ? cast.pick(['v1', 'legacy']) : options.dialect,
    options.transcript === 'mixed' ? cast.pick(['delta', 'cumulative']) : options.transcript,
  ] as const
  const userNumber = phoneNumber(cast)
  // A run that begins at another time tells the same stories, of calls of its own.
  const ids = chance.of(`ids ${options.startAt}`)
  const callId = `call_${ids.hex(16)}`
  const conversationId = `conv-${ids.hex(12)}`

  const story = script.tell(chance.of('story'), language)
  const course = courseOf(chance.of('course'), story)
  const odd = chance.of('faults')
  const faults = faultsOf(odd, options.faults, course)
  // What was not talked about was asked in vain.
  const found = course.status === 'COMPLETED' ? story.collected : allNull(story.collected)
  const outcome = writeOutcome(odd.of('outcome'), found, faults)
  const hugeLength = odd.between(hugeCharacters.min, hugeCharacters.max)
  const lateMs = odd.between(recordingMs.min, recordingMs.max)

  const turns: SpokenTurn[] = course.beats.flatMap(({ beat }) =>
    beat.kind === 'turn' ? [{ speaker: beat.speaker, text: beat.text }] : [],
  )
  const lastMs = faults.has('late-recording') ? course.endMs + lateMs : course.endMs
  const writer = new EventWriter({
    callId,
    agentId: `sim-${script.id}-${language}`,
    agentName: script.agentNames[language],
    conversationId,
    direction: story.direction,
    userNumber,
    agentNumber: agentNumberOf(scripts.indexOf(script), language),
    params: story.params,
    form,
    // Two of the agents were told to say how long a call took; of the others it is to be measured.
    saysDuration: script.id === 'recruiter' || script.id === 'delivery',
    outcome,
    transcript: () => {
      if (faults.has('empty-transcript')) return []
      return faults.has('huge-transcript') ? hugeTranscript(turns, hugeLength) : turns
    },
    // A call that goes by faster than life ends when it is sent, and began as long before as it lasted: so no time is
    // in the future, and a call of a minute says that it took one.
    startedAt: options.startAt + place.beginsMs - Math.floor(lastMs - lastMs / options.speed),
    course,
  })

  const events: SimulatedEvent[] = []
  const offsetsMs: number[] = []
  const add = (offsetMs: number, event: SimulatedEvent): void => {
    events.push(event)
    offsetsMs.push(offsetMs)
  }
  add(0, writer.started(dialect))
  if (course.answer !== null) add(course.answer.offsetMs, writer.answered(dialect, course.answer))
  let said = 0
  for (const { offsetMs, beat } of course.beats) {
    if (beat.kind === 'tool') add(offsetMs, writer.tool(dialect, offsetMs, beat))
    else {
      said += 1
      add(offsetMs, writer.spoken(dialect, offsetMs, turns.slice(0, said)))
    }
  }
  const recordingUrl = course.answer === null ? null : `https://recordings.example.com/${conversationId}.mp3`
  const firstUrl = faults.has('late-recording') ? null : recordingUrl
  add(course.endMs, writer.ended(dialect, course.endMs, firstUrl))
  if (faults.has('second-dialect')) {
    const other = dialect === 'v1' ? 'legacy' : 'v1'
    add(course.endMs + secondDialectMs, writer.ended(other, course.endMs, firstUrl))
  }
  if (faults.has('late-recording')) add(lastMs, writer.ended(dialect, lastMs, recordingUrl))
  return {
    callId,
    agentId: writer.cast.agentId,
    agentName: writer.cast.agentName,
    language,
    status: course.status,
    faults: [...faults],
    events,
    offsetsMs,
  }
}

/** Those that the call meets; one that has nothing to work on does not count. */
function faultsOf(chance: Chance, faults: Faults, { answer, beats }: Course): Set<CallFault> {
  const met = new Set(callFaults.filter((name) => chance.happens(faults[name])))
  if (answer === null) met.delete('late-recording')
  if (!beats.some(({ beat }) => beat.kind === 'turn')) met.delete('empty-transcript')
  if (!beats.some(({ beat }) => beat.kind === 'turn') || met.has('empty-transcript'))
    met.delete('huge-transcript')
  return met
}

function allNull(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(fields).map((name) => [name, null]))
}

/** One agent, one number: of those that are kept for fiction. */
function agentNumberOf(script: number, language: string): string {
  return `+1206555011${script * 2 + (language === 'ar' ? 1 : 0)}`
}
