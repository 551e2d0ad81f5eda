/** One thing that was looked at. */
export interface Check {
  /** What was looked at, in a word or two. */
  name: string
  status: 'ok' | 'warn' | 'fail'
  /** What was found, as a sentence. */
  message: string
  /** What to do, as a sentence; null where nothing is to be done. */
  advice: string | null
}

export function passed(name: string, message: string): Check {
  return { name, status: 'ok', message, advice: null }
}

/** Something that works now and will not for ever, or works less well than it might. */
export function warning(name: string, message: string, advice: string): Check {
  return { name, status: 'warn', message, advice }
}

/** Something that does not work, or loses events when it matters. */
export function failed(name: string, message: string, advice: string): Check {
  return { name, status: 'fail', message, advice }
}
