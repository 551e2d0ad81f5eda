// When is one list of turns the beginning of another? Senders repeat the whole conversation with each update; the
// fold keeps the longest only, and judges by a hash, so that it need not load what it stored before.
import type { Turn } from '../event.ts'

/**
 * Shorter lists are never taken for the beginning of another: two equal turns ("Are you there?" "Yes") are a
 * coincidence, two equal turns and a third in the same place are the same conversation.
 */
export const cumulativeTurnsMin = 3

export interface ListSize {
  turns: number
  characters: number
  at: number
  seq: number
}

export function charactersOf(turns: readonly Turn[]): number {
  let characters = 0
  for (const turn of turns) characters += turn.speaker.length + turn.text.length
  return characters
}

/** The larger of two lists has more turns, then more characters, then came later: a transcript never shrinks. */
export function isLarger(one: ListSize, other: ListSize): boolean {
  if (one.turns !== other.turns) return one.turns > other.turns
  if (one.characters !== other.characters) return one.characters > other.characters
  if (one.at !== other.at) return one.at > other.at
  return one.seq > other.seq
}

/** No UTF-16 code unit, so that it cannot occur in a text. */
const separator = 0x10000

/**
 * Calls back for each length n from `cumulativeTurnsMin` on with a key for the first n turns. Two lists of n turns
 * have the same key when all turns but the last are equal and the last has the same speaker: its text may have grown
 * or been revised. So a list begins with another of n turns exactly if its key for n is that one's own key.
 */
export function eachBeginning(turns: readonly Turn[], call: (length: number, key: string) => void): void {
  let one = 0x9e3779b1
  let two = 0x5f356495
  const add = (code: number): void => {
    one = Math.imul(one ^ code, 2654435761)
    one ^= one >>> 15
    two = Math.imul(two ^ code, 1597334677)
    two ^= two >>> 13
  }
  const addText = (text: string): void => {
    for (let at = 0; at < text.length; at += 1) add(text.charCodeAt(at))
    add(separator)
  }
  for (let length = 1; length <= turns.length; length += 1) {
    const turn = turns[length - 1]
    if (turn === undefined) return
    addText(turn.speaker)
    if (length >= cumulativeTurnsMin) call(length, `${(one >>> 0).toString(36)}.${(two >>> 0).toString(36)}`)
    addText(turn.text)
  }
}
