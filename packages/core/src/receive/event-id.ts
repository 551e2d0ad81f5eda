import { randomFillSync } from 'node:crypto'

/** Crockford's base 32: no letter that reads as a digit, and sorted as its values are. */
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

const timeCharacters = 10
const randomCharacters = 16

/** Random bytes are asked for by the page: one request to the generator serves a thousand ids. */
const pool = new Uint8Array(16 * 1024)
let poolAt = pool.length

let lastMs = -1
let lastTime = ''

/** A new id of an event, `evt_…`. */
export function eventId(nowMs: number): string {
  return `evt_${sortableId(nowMs)}`
}

/** A new id of a call that is started here, `call_…`. */
export function callId(nowMs: number): string {
  return `call_${sortableId(nowMs)}`
}

/** A new id of an agent, `agt_…`. */
export function agentId(nowMs: number): string {
  return `agt_${sortableId(nowMs)}`
}

/** 48 bits of time and 80 random bits: ids sort by the millisecond in which they were made, and no two nodes need to agree. */
function sortableId(nowMs: number): string {
  if (nowMs !== lastMs) {
    lastMs = nowMs
    lastTime = timePart(nowMs)
  }
  if (poolAt + randomCharacters > pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  let id = lastTime
  for (const end = poolAt + randomCharacters; poolAt < end; poolAt += 1) id += alphabet[pool[poolAt]! & 31]
  return id
}

function timePart(nowMs: number): string {
  let rest = nowMs
  let digits = ''
  for (let place = 0; place < timeCharacters; place += 1) {
    digits = alphabet[rest % 32]! + digits
    rest = Math.floor(rest / 32)
  }
  return digits
}
