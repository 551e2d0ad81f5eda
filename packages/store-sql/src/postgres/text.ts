/** What a text becomes where PostgreSQL compares it: `text` and `jsonb` hold no NUL and no lone surrogate. */
export function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '')
}

/** Whether a text can be asked for at all. One with a NUL is in no column, and the server would refuse it. */
export function canBeStored(text: string): boolean {
  return !text.includes('\0')
}
