/** Samples of the platform's documentation, and what people type in their place. */
const samples = new Set([
  'your_secret_token',
  'your-secret-token',
  'sk_live_abc123xyz789',
  'secret',
  'token',
  'password',
  'changeme',
])

/** 24 hexadecimal digits are 96 bits, far beyond what can be tried over a network. */
const charactersMin = 24

/** By the estimate below; 24 random characters of any usual alphabet have more than 70. */
const bitsMin = 64

/** Why a secret is easy to guess, to follow "it"; null when it is not. The secret itself is never in it. */
export function weaknessOf(secret: string): string | null {
  if (samples.has(secret.toLowerCase())) return 'is a sample of the documentation, which everyone knows'
  const characters = Array.from(secret)
  if (characters.length < charactersMin) {
    return `has ${characters.length} characters, fewer than ${charactersMin}`
  }
  if (estimatedBits(characters) < bitsMin) return 'repeats itself'
  return null
}

/** A short pattern counts once however often it is repeated; beyond that, as if its characters were independent. */
function estimatedBits(characters: readonly string[]): number {
  const text = characters.join('')
  const period = (text + text).indexOf(text, 1)
  const once = characters.slice(0, period < text.length ? period : characters.length)
  let entropy = 0
  for (const [, same] of Map.groupBy(once, (character) => character)) {
    const share = same.length / once.length
    entropy -= share * Math.log2(share)
  }
  return entropy * once.length
}

/** A command that makes a good one, for advice. */
export const secretCommand = 'openssl rand -hex 32'
