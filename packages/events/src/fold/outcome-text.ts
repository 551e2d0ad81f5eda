import { setOwn } from '../json.ts'

// What a search index takes of an outcome; an agent's outcome schema has a dozen fields with short values.
const fieldsMax = 64
const charactersMax = 256

/** The scalar values of an outcome as text, for `?outcome.<field>=<text>`. */
export function outcomeText(outcome: Record<string, unknown>): Record<string, string> {
  const texts: Record<string, string> = {}
  for (const [field, value] of Object.entries(outcome).slice(0, fieldsMax)) {
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') continue
    const text = String(value)
    if (isSearchable(field) && isSearchable(text)) setOwn(texts, field, text)
  }
  return texts
}

/** A text column of a database holds neither NUL nor half of a surrogate pair. */
function isSearchable(text: string): boolean {
  return text.length <= charactersMax && text.isWellFormed() && !text.includes('\0')
}
