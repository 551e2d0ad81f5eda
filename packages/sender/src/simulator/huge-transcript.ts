import type { SpokenTurn } from './simulated-call.ts'

/**
 * Characters of a huge transcript. At most two bytes each, so that the event is of megabytes and stays below the
 * 10 MiB that an endpoint takes, and few enough to be kept whole in a record of a call.
 */
export const hugeCharacters = { min: 1_000_000, max: 3_500_000 } as const

/** One turn of it: with so many, even the longest has fewer turns than a record keeps. */
const turnCharacters = 400

/** What was said, over and over, until it is that long. */
export function hugeTranscript(turns: readonly SpokenTurn[], characters: number): SpokenTurn[] {
  const huge: SpokenTurn[] = []
  const said = turns.map(({ text }) => text).join(' ')
  const paragraph = said.repeat(Math.ceil(turnCharacters / said.length)).slice(0, turnCharacters)
  for (let length = 0; length < characters;) {
    const text = `${huge.length + 1}. ${paragraph}`
    huge.push({ speaker: huge.length % 2 === 0 ? 'Agent' : 'User', text })
    length += text.length
  }
  return huge
}
