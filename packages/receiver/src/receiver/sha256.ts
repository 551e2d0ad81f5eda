const encoder = /* @__PURE__ */ new TextEncoder()

/** Node's own, which answers at once. Web Crypto goes through another thread, and takes ten times as long for an event. */
type HashAtOnce = (algorithm: 'sha256', text: string, encoding: 'hex') => string

/** Undefined until it was looked for, null on runtimes that have none. */
let hashAtOnce: HashAtOnce | null | undefined

/** Of the text as UTF-8, 64 hexadecimal digits. */
export function sha256Hex(text: string): string | Promise<string> {
  hashAtOnce ??= findHashAtOnce()
  return hashAtOnce === null ? digestHex(text) : hashAtOnce('sha256', text, 'hex')
}

/** Of the text as UTF-8. */
export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', encoder.encode(text)))
}

/** What a runtime has is asked of the runtime, so that nothing here needs Node to be loaded. */
function findHashAtOnce(): HashAtOnce | null {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }
  const found = process?.getBuiltinModule?.('node:crypto') as { hash?: HashAtOnce } | undefined
  return typeof found?.hash === 'function' ? found.hash : null
}

async function digestHex(text: string): Promise<string> {
  let digits = ''
  for (const byte of await sha256(text)) digits += byte.toString(16).padStart(2, '0')
  return digits
}
