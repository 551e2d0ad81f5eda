import type { EventFacts, Issue, Turn } from '../event.ts'
import { isObject, kindOf, note, type JsonObject } from '../json.ts'
import { readTime } from '../wire/time.ts'

const listNames = ['transcription', 'transcript', 'transcripts', 'messages']
const speakerNames = ['speaker', 'role']
const textNames = ['text', 'transcript', 'transcription', 'content', 'message']
/** Those of them that are what was said even where no speaker stands beside them. */
const plainTextNames = textNames.slice(0, 3)
const turnTimeNames = ['created_at', 'createdAt']
const timeNames = [...turnTimeNames, 'timestamp', 'time']
/** What a turn has beside its one entry `{Speaker: text}`. */
const notSpeakers = new Set([
  ...timeNames,
  ...textNames,
  ...speakerNames,
  'metadata',
  'id',
  'type',
  'language',
])

/** Stands where a sender names no speaker. */
const unknownSpeaker = 'Unknown'

/** The turns of an array under one of the usual names, or of a text with a line for each; null where there is none. */
export function readTurnList(place: JsonObject, prefix: string, issues: Issue[]): EventFacts['transcript'] {
  for (const name of listNames) {
    const value = place[name]
    if (Array.isArray(value)) {
      const turns: Turn[] = []
      for (let at = 0; at < value.length; at += 1)
        addTurns(turns, value[at], `${prefix}${name}[${at}]`, issues)
      return { form: 'list', turns }
    }
    if (isObject(value)) return { form: 'list', turns: addTurns([], value, prefix + name, issues) }
    if (typeof value === 'string' && value !== '') {
      note(issues, prefix + name, 'is a string, taken as one turn a line')
      const turns: Turn[] = []
      for (const line of value.split('\n')) addLine(turns, line)
      return { form: 'list', turns }
    }
  }
  return null
}

/** The turns that `transcription.update` brings: a list as above, or the object is itself a turn, or holds one. */
export function readUpdate(place: JsonObject, prefix: string, issues: Issue[]): EventFacts['transcript'] {
  for (const name of listNames) {
    const value = place[name]
    if (Array.isArray(value)) return readTurnList({ [name]: value }, prefix, issues)
    if (isObject(value)) return { form: 'delta', turns: addTurns([], value, prefix + name, issues) }
  }
  // Outside `data.data` a timestamp is that of the event.
  const at = timeOf(place, prefix, issues, prefix === 'data.data.' ? timeNames : turnTimeNames)
  const speaker = firstText(place, speakerNames)
  const text = firstText(place, speaker === null ? plainTextNames : textNames)
  const turns: Turn[] = []
  if (text !== null) addTurn(turns, speaker ?? unknownSpeaker, text, at)
  else addNamed(turns, place, isAgentOrUser, at)
  return turns.length === 0 ? null : { form: 'delta', turns }
}

function addTurns(turns: Turn[], value: unknown, path: string, issues: Issue[]): Turn[] {
  if (typeof value === 'string') {
    addLine(turns, value)
    return turns
  }
  if (!isObject(value)) {
    note(issues, path, `is ${kindOf(value)}, expected a turn`)
    return turns
  }
  const at = timeOf(value, `${path}.`, issues)
  const text = firstText(value, textNames)
  if (text !== null) addTurn(turns, firstText(value, speakerNames) ?? unknownSpeaker, text, at)
  else if (!addNamed(turns, value, (name) => !notSpeakers.has(name), at)) {
    note(issues, path, 'has no speaker with a text')
  }
  return turns
}

/** `{Agent: "…"}`: each entry whose name is a speaker is a turn. False where no entry is one, not even an empty one. */
function addNamed(
  turns: Turn[],
  value: JsonObject,
  isSpeaker: (name: string) => boolean,
  at: number | null,
): boolean {
  let named = false
  for (const [name, spoken] of Object.entries(value)) {
    if (!isSpeaker(name)) continue
    if (typeof spoken === 'string') addTurn(turns, name, spoken, at)
    else if (typeof spoken === 'number' && isAgentOrUser(name)) addTurn(turns, name, String(spoken), at)
    else if (spoken !== null) continue
    named = true
  }
  return named
}

function addLine(turns: Turn[], line: string): void {
  const [, speaker = unknownSpeaker, text = line] =
    /^\s*(agent|assistant|user)\s*:\s*(.*)$/is.exec(line) ?? []
  addTurn(turns, speaker, text, null)
}

/** A turn without text is no turn: the guide's own handler leaves it out too. */
function addTurn(turns: Turn[], speaker: string, text: string, at: number | null): void {
  if (text.trim() !== '') turns.push({ speaker: speakerName(speaker), text, at })
}

const isAgentOrUser = (name: string): boolean => /^(?:agent|user)$/i.test(name)

/** The platform's two speakers in its own spelling; `assistant` is what chat formats call the agent. */
function speakerName(sent: string): string {
  if (/^(?:agent|assistant)$/i.test(sent)) return 'Agent'
  return /^user$/i.test(sent) ? 'User' : sent
}

function firstText(value: JsonObject, names: readonly string[]): string | null {
  for (const name of names) {
    const found = value[name]
    if (typeof found === 'string') return found
  }
  return null
}

function timeOf(turn: JsonObject, prefix: string, issues: Issue[], names = timeNames): number | null {
  const metadata = turn['metadata']
  if (isObject(metadata)) {
    const time = firstTime(metadata, `${prefix}metadata.`, issues, timeNames)
    if (time !== null) return time
  }
  return firstTime(turn, prefix, issues, names)
}

function firstTime(
  holder: JsonObject,
  prefix: string,
  issues: Issue[],
  names: readonly string[],
): number | null {
  for (const name of names) {
    if (holder[name] === undefined) continue
    const time = readTime(holder[name], prefix + name, issues)
    if (time !== null) return time
  }
  return null
}
