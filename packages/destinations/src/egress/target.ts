/** Where a request goes, or why its URL cannot be used: the end of a sentence that begins with the setting's name. */
export type TargetReading = { url: URL; problem: null } | { url: null; problem: string }

const expected = 'expected a URL such as https://example.com/hook'

/** Reads a URL as browsers do, so that every notation of an address comes out as the one that is checked. */
export function readTarget(text: string): TargetReading {
  const url = URL.parse(text)
  if (url === null) return { url: null, problem: `is not a URL, ${expected}` }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return { url: null, problem: `is ${url.protocol.slice(0, -1)}, ${expected}` }
  }
  if (url.username !== '' || url.password !== '') {
    return { url: null, problem: `has a user or a password in it, ${expected}` }
  }
  return { url, problem: null }
}

/** The host as names are resolved and addresses are checked: without the brackets of IPv6. */
export function hostOf({ hostname }: URL): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}

/** Host and port, for messages: all that they say of a URL. */
export function peerOf(url: URL): string {
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  return `${url.hostname}:${port}`
}
