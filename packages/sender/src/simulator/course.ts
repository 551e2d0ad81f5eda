import type { Chance } from './chance.ts'
import type { SimulatedCall } from './simulated-call.ts'
import type { Beat, Story } from './story.ts'

export type CallStatus = SimulatedCall['status']

/** When everything of a call happens: milliseconds after its beginning. */
export interface Course {
  status: CallStatus
  answer: { offsetMs: number; ringSeconds: number } | null
  /** As much of the story as was told before the end. */
  beats: readonly { offsetMs: number; beat: Beat }[]
  endMs: number
}

/** Of all calls; the rest are completed. */
const noAnswerShare = 0.08
const failedShare = 0.05

/** A good reader takes so long over a letter. */
const letterMs = 60
const turnMsMax = 8_000

/** How the call goes: nobody answers, the line is lost on the way, or the story is told to its end. */
export function courseOf(chance: Chance, story: Story): Course {
  const isAnswered = !chance.happens(noAnswerShare)
  const isLost = chance.happens(failedShare)
  const ringSeconds = chance.between(2, 9)
  if (!isAnswered) {
    return { status: 'NO_ANSWER', answer: null, beats: [], endMs: chance.between(20_000, 45_000) }
  }
  const toldBeats = isLost ? chance.between(0, story.beats.length - 1) : story.beats.length
  let offsetMs = ringSeconds * 1_000 + chance.between(0, 400)
  const answer = { offsetMs, ringSeconds }
  const beats = story.beats.slice(0, toldBeats).map((beat) => {
    offsetMs += chance.between(300, 1_200)
    offsetMs += beat.kind === 'tool' ? beat.durationMs : Math.min(beat.text.length * letterMs, turnMsMax)
    return { offsetMs, beat }
  })
  return {
    status: isLost ? 'FAILED' : 'COMPLETED',
    answer,
    beats,
    endMs: offsetMs + chance.between(600, 2_500),
  }
}
