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

/**
 * A change without the URL where that stands in its settings as it is shown: it stays what it is.
 *
 * @param settings as they are.
 */
export function keepingHidden(
  change: Record<string, unknown>,
  settings: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const given = change['settings']
  if (typeof given !== 'object' || given === null || !('url' in given)) return change
  const { url, ...others } = given
  const isAsShown = hasHiddenQuery(url) && url === shownSettings(settings)['url']
  return isAsShown ? { ...change, settings: others } : change
}
