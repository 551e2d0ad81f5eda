import type { CallPart } from '../call.ts'
import type { Turn } from '../event.ts'
import { charactersOf, cumulativeTurnsMin, eachBeginning, isLarger } from '../fold/turn-list.ts'

type LivePart = CallPart & { kind: 'live' }

/**
 * Assembles the transcript of a running call from what its updates brought, by their times. A `delta` is always
 * appended. A list that holds all there is so far takes its place, one that repeats a part of it is passed over, and
 * any other is appended: it had only what was new. Linear in the number of turns.
 *
 * The fold may have dropped lists that are the beginning of a longer one; the result is the same with them.
 */
export function assembleLive(parts: readonly LivePart[]): Turn[] {
  let transcript: Turn[] = []
  for (const { data } of withoutBeginnings(parts)) {
    if (data.form === 'list' && holds(data.turns, transcript)) transcript = [...data.turns]
    else if (data.form === 'delta' || !repeats(data.turns, transcript))
      for (const turn of data.turns) transcript.push(turn)
  }
  return transcript
}

/** In the order of their times, without the lists that are the beginning of a larger one, earlier or later. */
function withoutBeginnings(parts: readonly LivePart[]): LivePart[] {
  const lists = parts
    .filter(({ data }) => data.form === 'list' && data.turns.length >= cumulativeTurnsMin)
    .map((part) => {
      const { at, seq, data } = part
      return { part, at, seq, turns: data.turns.length, characters: charactersOf(data.turns) }
    })
    .sort((one, other) => (isLarger(one, other) ? -1 : 1))
  const beginnings = new Set<string>()
  const dropped = new Set<LivePart>()
  for (const { part } of lists) {
    const keys: string[] = []
    eachBeginning(part.data.turns, (_length, key) => keys.push(key))
    if (beginnings.has(keys.at(-1) ?? '')) dropped.add(part)
    else for (const key of keys) beginnings.add(key)
  }
  return parts
    .filter((part) => !dropped.has(part))
    .sort((one, other) => (one.at === other.at ? one.seq - other.seq : one.at - other.at))
}

const same = (one: Turn | undefined, other: Turn | undefined): boolean =>
  one !== undefined && other !== undefined && one.speaker === other.speaker && one.text === other.text

/** Whether all turns so far occur in the list, in their order; the last one may have grown, or been revised in place. */
function holds(list: readonly Turn[], transcript: readonly Turn[]): boolean {
  if (transcript.length > list.length) return false
  if (transcript.length === list.length && charactersOf(list) < charactersOf(transcript)) return false
  let found = 0
  for (let at = 0; at < list.length && found < transcript.length; at += 1) {
    const turn = transcript[found]
    const listed = list[at]
    const isLast = found === transcript.length - 1
    if (same(listed, turn) || (isLast && isNewForm(listed, turn, found === at && found > 0))) found += 1
  }
  return found === transcript.length
}

function isNewForm(listed: Turn | undefined, turn: Turn | undefined, inPlace: boolean): boolean {
  if (listed === undefined || turn === undefined || listed.speaker !== turn.speaker) return false
  return inPlace || listed.text.startsWith(turn.text)
}

/** Whether the list is the beginning of what is there, its last turn not yet whole, or in a shorter form. */
function repeats(list: readonly Turn[], transcript: readonly Turn[]): boolean {
  const sameLength = list.length === transcript.length
  return list.every((turn, at) => {
    const there = transcript[at]
    const isLast = at === list.length - 1
    return same(turn, there) || (isLast && isNewForm(there, turn, sameLength && at > 0))
  })
}
