/** Stands for the query of a URL wherever it is shown: many a receiver has its key there. */
const hiddenQuery = '?…'

/** The settings of a destination that are not secret, as people see them: a URL without its query. */
export function shownSettings(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { url } = settings
  return typeof url === 'string' ? { ...settings, url: url.replace(/\?.*$/s, hiddenQuery) } : { ...settings }
}

/** Whether a URL was copied from where it is shown, and its query is missing. */
export function hasHiddenQuery(url: unknown): boolean {
  return typeof url === 'string' && url.endsWith(hiddenQuery)
}

/** A change of settings without the URL where that stands in it as it is shown: it stays what it is. */
export function keepingHidden(given: unknown, present: Readonly<Record<string, unknown>>): unknown {
  if (typeof given !== 'object' || given === null || !('url' in given)) return given
  const { url, ...others } = given
  return hasHiddenQuery(url) && url === shownSettings(present)['url'] ? others : given
}
