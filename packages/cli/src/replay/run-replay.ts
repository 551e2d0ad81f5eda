import { setTimeout as delay } from 'node:timers/promises'
import type { ApiClient } from '../api/api-client.ts'
import type { ApiReplay } from '../api/delivery-shapes.ts'
import type { Context } from '../context.ts'
import { CommandFailure } from '../failure.ts'

export interface ReplayRequest {
  destination: string
  filter: Record<string, unknown>
  reason?: string
  /** Wait until all deliveries are made, and show how far it is. */
  wait: boolean
  json?: true
}

const lookEveryMs = 200

/** Asks for a replay, and by default stays until its deliveries stand in their lanes. */
export async function runReplay(
  api: ApiClient,
  { destination, filter, reason, wait, json }: ReplayRequest,
  { terminal }: Context,
): Promise<void> {
  const body = { destination, filter, ...(reason === undefined ? {} : { reason }) }
  const started = await api.post<{ id: string; total: number }>('/replays', body)
  const { id, total } = started.value
  if (!wait) {
    terminal.print(json === true ? started.text : `${id} has begun: ${countOf(total)}.`)
    return
  }
  for (;;) {
    const { value, text } = await api.get<ApiReplay>(`/replays/${encodeURIComponent(id)}`)
    if (value.state === 'running') {
      if (terminal.interactive)
        terminal.progress(`${id}  ${bar(value.made, total)}  ${value.made} of ${total}`)
      await delay(lookEveryMs)
      continue
    }
    terminal.progress(null)
    if (json === true) terminal.print(text)
    else if (value.state === 'done') {
      terminal.print(doneText(value))
      terminal.note(`See them go: hookswitch deliveries --destination ${value.destination.name}`)
    }
    if (value.state === 'cancelled') {
      throw new CommandFailure('failed', `${id} was cancelled after ${value.made} of ${total} events.`)
    }
    return
  }
}

function doneText({ id, made, total, destination }: ApiReplay): string {
  const done = `${id} is done: ${made} of ${countOf(total)} stand in their lanes again.`
  const left = total - made
  if (left <= 0) return done
  const others = left === 1 ? 'The other one is' : `The other ${left} are`
  return `${done}\n${others} of a type or scope that ${destination.name} does not take, or removed meanwhile.`
}

function countOf(total: number): string {
  return total === 1 ? '1 event' : `${total} events`
}

const barCharacters = 24

function bar(done: number, total: number): string {
  const full =
    total === 0 ? barCharacters : Math.min(barCharacters, Math.round((done / total) * barCharacters))
  return '█'.repeat(full) + '░'.repeat(barCharacters - full)
}
