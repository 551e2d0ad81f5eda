// Where a body stops being UTF-8 or JSON. Runtimes word their errors differently and quote the payload in them,
// so the place is found here; only refused bodies come this way.

/** The offset of the first byte that is not part of well-formed UTF-8, by the table of the Unicode standard. */
export function utf8ErrorOffset(bytes: Uint8Array): number {
  let at = 0
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0
    let following = 0
    let low = 0x80
    let high = 0xbf
    if (lead >= 0xc2 && lead <= 0xdf) following = 1
    else if (lead >= 0xe0 && lead <= 0xef) {
      following = 2
      if (lead === 0xe0) low = 0xa0
      if (lead === 0xed) high = 0x9f
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      following = 3
      if (lead === 0xf0) low = 0x90
      if (lead === 0xf4) high = 0x8f
    } else if (lead >= 0x80) return at
    for (let next = at + 1; next <= at + following; next += 1) {
      const byte = bytes[next]
      if (byte === undefined || byte < low || byte > high) return at
      low = 0x80
      high = 0xbf
    }
    at += following + 1
  }
  return bytes.length
}

const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= '0' && character <= '9'

/** The end of the JSON string that opens at `at`, or the complement (`~`) of where it goes wrong. */
function stringEnd(text: string, at: number): number {
  for (let next = at + 1; next < text.length; next += 1) {
    const character = text[next] ?? ''
    if (character === '"') return next + 1
    if (character < ' ') return ~next
    if (character !== '\\') continue
    next += 1
    const escaped = text[next]
    if (escaped === undefined) return ~text.length
    if (escaped === 'u') {
      for (let digits = 0; digits < 4; digits += 1) {
        next += 1
        if (!/[0-9a-f]/i.test(text[next] ?? '')) return ~next
      }
    } else if (!'"\\/bfnrt'.includes(escaped)) return ~next
  }
  return ~text.length
}

function digitsEnd(text: string, at: number): number {
  let next = at
  while (isDigit(text[next])) next += 1
  return next === at ? ~at : next
}

function numberEnd(text: string, at: number): number {
  let next = text[at] === '-' ? at + 1 : at
  next = text[next] === '0' ? next + 1 : digitsEnd(text, next)
  if (next >= 0 && text[next] === '.') next = digitsEnd(text, next + 1)
  if (next >= 0 && (text[next] === 'e' || text[next] === 'E')) {
    const sign = text[next + 1]
    next = digitsEnd(text, next + (sign === '+' || sign === '-' ? 2 : 1))
  }
  return next
}

function scalarEnd(text: string, at: number): number {
  const first = text[at]
  if (first === '"') return stringEnd(text, at)
  if (first === '-' || isDigit(first)) return numberEnd(text, at)
  for (const word of ['true', 'false', 'null']) {
    if (word[0] !== first) continue
    for (let letter = 1; letter < word.length; letter += 1) {
      if (text[at + letter] !== word[letter]) return ~(at + letter)
    }
    return at + word.length
  }
  return ~at
}

function spaceEnd(text: string, at: number): number {
  let next = at
  while (text[next] === ' ' || text[next] === '\n' || text[next] === '\r' || text[next] === '\t') next += 1
  return next
}

/**
 * The offset of the first character at which `text` cannot be JSON any more; its length where it only ends too
 * early. Keeps its own stack: a body may open a million brackets.
 */
export function jsonErrorOffset(text: string): number {
  const closers: string[] = []
  let expected: 'value' | 'first' | 'name' | 'next' = 'value'
  let at = spaceEnd(text, 0)
  for (;;) {
    const character = text[at]
    if (character === undefined) return text.length
    const closer = closers.at(-1)
    if (expected === 'next') {
      if (closer === undefined) return at
      if (character === closer) closers.pop()
      else if (character !== ',') return at
      else expected = closer === '}' ? 'name' : 'value'
      at += 1
    } else if (expected === 'first' && character === closer) {
      closers.pop()
      expected = 'next'
      at += 1
    } else if (expected === 'name' || (expected === 'first' && closer === '}')) {
      if (character !== '"') return at
      const end = stringEnd(text, at)
      if (end < 0) return ~end
      at = spaceEnd(text, end)
      if (text[at] !== ':') return at
      at += 1
      expected = 'value'
    } else if (character === '{' || character === '[') {
      closers.push(character === '{' ? '}' : ']')
      expected = 'first'
      at += 1
    } else {
      const end = scalarEnd(text, at)
      if (end < 0) return ~end
      at = end
      expected = 'next'
    }
    at = spaceEnd(text, at)
  }
}
