/**
 * A seeded random. Each part draws from a stream of its own, named by what it decides, so that a part that draws once
 * more does not change what all others draw: the same call is told with faults and without.
 */
export class Chance {
  readonly #name: string
  #a: number
  #b: number
  #c: number
  #d = 1

  /** The same name gives the same numbers, on every runtime. */
  constructor(name: string) {
    this.#name = name
    this.#a = hashOf(`${name}/a`)
    this.#b = hashOf(`${name}/b`)
    this.#c = hashOf(`${name}/c`)
    for (let round = 0; round < 12; round += 1) this.#next()
  }

  /** Another stream, as if it had nothing to do with this one. */
  of(part: string): Chance {
    return new Chance(`${this.#name}/${part}`)
  }

  /** From 0 to 1, without 1: the generator sfc32 of the PractRand suite. */
  #next(): number {
    const sum = (this.#a + this.#b + this.#d) | 0
    this.#d = (this.#d + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return (sum >>> 0) / 2 ** 32
  }

  /** A whole number, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.#next() * (max - min + 1))
  }

  happens(probability: number): boolean {
    return this.#next() < probability
  }

  /** One of the list, which has at least one. */
  pick<const List extends readonly [unknown, ...unknown[]]>(list: List): List[number] {
    return list[Math.floor(this.#next() * list.length)]
  }

  /** So many digits of 0 to 9 and a to f. */
  hex(digits: number): string {
    let text = ''
    while (text.length < digits) text += this.between(0, 15).toString(16)
    return text
  }
}

/** 32 bits: FNV-1a, with the last mixing step of MurmurHash3, so that names that differ little give any two numbers. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
