import type { Chance } from './chance.ts'
import type { EventFault, Faults } from './faults.ts'
import type { PlannedCall } from './plan-call.ts'
import type { SimulatedSend } from './simulated-call.ts'

/** Of the call's own time. Those after a delayed event wait behind it. */
const delayMs = { min: 5_000, max: 30_000 } as const

/** Well within the 5 s that a platform waits, and too long for a receiver that reads bodies one by one. */
const slowBodyMs = { min: 300, max: 1_500 } as const

/** A repeat comes after at most so many other events of the call. */
const repeatAfterMax = 3

interface Pace {
  beginsMs: number
  speed: number
  faults: Faults
}

/** What goes out for a call: each event once and in order, unless a fault says otherwise. */
export function planSends(
  chance: Chance,
  call: PlannedCall,
  { beginsMs, speed, faults }: Pace,
): SimulatedSend[] {
  const meets = (fault: EventFault): boolean => chance.happens(faults[fault])
  const sends: SimulatedSend[] = []
  const repeats: { after: number; send: SimulatedSend }[] = []
  let lateMs = 0
  const order = orderOf(call.events.length, meets)
  for (const [place, { event, isReordered }] of order.entries()) {
    // All are drawn for each event, so that one probability more or less changes nothing else.
    const [isDropped, isDelayed] = [meets('drop'), meets('delay')]
    const [isDouble, isRepeated] = [meets('concurrent-duplicate'), meets('duplicate')]
    const [isStray, isSlow] = [meets('wrong-token'), meets('slow-body')]
    const delay = chance.between(delayMs.min, delayMs.max)
    const bodyMs = chance.between(slowBodyMs.min, slowBodyMs.max)
    const after = place + chance.between(1, repeatAfterMax)
    if (isDelayed) lateMs += delay
    const happensMs = Math.max(call.offsetsMs[event] ?? 0, call.offsetsMs[place] ?? 0)
    const dueMs = beginsMs + Math.round((happensMs + lateMs) / speed)
    const plain: SimulatedSend = { event, dueMs, copies: 1, token: 'right', bodyMs: 0, faults: [] }
    if (isStray) sends.push({ ...plain, token: 'wrong', faults: ['wrong-token'] })
    if (!isDropped) {
      sends.push({
        ...plain,
        copies: isDouble ? 2 : 1,
        bodyMs: isSlow ? bodyMs : 0,
        faults: (
          [
            ['concurrent-duplicate', isDouble],
            ['slow-body', isSlow],
            ['reorder', isReordered],
            ['delay', isDelayed],
          ] as const
        ).flatMap(([fault, isMet]) => (isMet ? [fault] : [])),
      })
      if (isRepeated) repeats.push({ after, send: { ...plain, faults: ['duplicate'] } })
    }
    for (const repeat of repeats.filter((one) => one.after === place)) sends.push({ ...repeat.send, dueMs })
  }
  const endMs = sends.at(-1)?.dueMs ?? beginsMs
  for (const { after, send } of repeats) if (after >= order.length) sends.push({ ...send, dueMs: endMs })
  return sends
}

/** Neighbours that change places. */
function orderOf(
  events: number,
  meets: (fault: EventFault) => boolean,
): { event: number; isReordered: boolean }[] {
  const order = Array.from({ length: events }, (_, event) => ({ event, isReordered: false }))
  for (let place = 0; place + 1 < order.length; place += 1) {
    if (!meets('reorder')) continue
    order.splice(place, 2, { event: place + 1, isReordered: true }, { event: place, isReordered: false })
    // The next pair begins with what was moved already.
    place += 1
  }
  return order
}
