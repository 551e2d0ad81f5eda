import type { Chance } from './chance.ts'

export type Language = 'en' | 'ar'

/** The same in English and in Arabic. */
export type Both = readonly [english: string, arabic: string]

/** What happens in a conversation, in its order. */
export type Beat =
  | { kind: 'turn'; speaker: 'Agent' | 'User'; text: string }
  | {
      kind: 'tool'
      name: string
      input: Record<string, unknown>
      output: unknown
      /** Why it failed; null for one that did its work. */
      error: string | null
      durationMs: number
    }

/** One call as it would go if nothing came between: what is said, what is looked up, what is known at its end. */
export interface Story {
  direction: 'inbound' | 'outbound'
  /** What whoever started the call gave along; identifiers are strings, as the platform asks. */
  params: Record<string, string>
  beats: readonly Beat[]
  /** What the agent found out: values, null where it asked in vain, no key where the outcome has no such field. */
  collected: Record<string, unknown>
}

export interface Script {
  /** Without a language: each agent speaks one, and is another agent. */
  id: string
  agentNames: Record<Language, string>
  tell(chance: Chance, language: Language): Story
}

/** Writes down a conversation that is told in two languages. */
export class Conversation {
  readonly beats: Beat[] = []
  readonly language: Language

  constructor(language: Language) {
    this.language = language
  }

  in<T>(english: T, arabic: T): T {
    return this.language === 'en' ? english : arabic
  }

  agent(english: string, arabic: string): this {
    this.beats.push({ kind: 'turn', speaker: 'Agent', text: this.in(english, arabic) })
    return this
  }

  user(english: string, arabic: string): this {
    this.beats.push({ kind: 'turn', speaker: 'User', text: this.in(english, arabic) })
    return this
  }

  tool(name: string, input: Record<string, unknown>, output: unknown, durationMs: number): this {
    this.beats.push({ kind: 'tool', name, input, output, error: null, durationMs })
    return this
  }

  failedTool(name: string, input: Record<string, unknown>, error: string, durationMs: number): this {
    this.beats.push({ kind: 'tool', name, input, output: null, error, durationMs })
    return this
  }
}

/** `٤٢` for 42: so a language model may write numbers that it heard in Arabic. */
export function arabicDigits(value: number): string {
  return String(value).replaceAll(/\d/g, (digit) => String.fromCharCode(0x0660 + Number(digit)))
}
