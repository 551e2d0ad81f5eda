/** RFC 9110, section 5.6.2. */
export function isHeaderName(name: string): boolean {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)
}

/**
 * What every receiver reads alike, RFC 9110, section 5.5: visible ASCII with spaces and tabs within. Other characters
 * come out differently here and there.
 */
export function isHeaderValue(value: string): boolean {
  return /^[\t\x20-\x7e]{0,4096}$/.test(value)
}

/** Those of the connection (RFC 9110, section 7.6.1) and of the message's frame belong to the HTTP client. */
const ofTheConnection = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers that a person may not set: those of the connection, and those by which a receiver knows the event. */
export function isOwnHeader(name: string): boolean {
  const lower = name.toLowerCase()
  // Authorization is authKey and authSecret.
  return ofTheConnection.has(lower) || lower === 'authorization' || /^(?:webhook|hookswitch)-/.test(lower)
}
