// The platform sends `Authorization: {authKey} {authSecret}`, and people put `Bearer ` into either, both or none of
// the two. Seen: `Bearer X`, `bearer Bearer X`, `Token X`, `X`.

const schemePattern = /^(?:bearer|token)[ \t]+/i

/** `bearer Bearer X` has two; whoever sends more of them means something else. */
const schemesMax = 3

/**
 * The secrets that a header may mean, the likeliest first, at most four: the rest after its schemes, and each longer
 * form, because a secret may itself begin with the word. None for an absent or empty header.
 */
export function secretCandidates(authorization: string | undefined): string[] {
  let rest = authorization?.trim() ?? ''
  if (rest === '') return []
  const candidates = [rest]
  while (candidates.length <= schemesMax) {
    const scheme = schemePattern.exec(rest)
    if (scheme === null) break
    rest = rest.slice(scheme[0].length)
    candidates.unshift(rest)
  }
  return candidates
}

/** A secret as it was configured, trimmed; a leading `Bearer ` is ignored, since the guide compares the whole header. */
export function normalizeSecret(configured: string): string {
  return configured.trim().replace(/^bearer[ \t]+/i, '')
}

/** The header that the platform sends for these two settings. */
export function authorizationHeader(authKey: string, authSecret: string): string {
  return `${authKey} ${authSecret}`.trim()
}
