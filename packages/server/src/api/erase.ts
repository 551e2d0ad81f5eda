import { createRoute, z } from '@hono/zod-openapi'
import type { EraseReport, EraseSelection } from '@hookswitch/core'
import { objectOf } from '../config/object-schema.ts'
import { actorHeaders, audit, reasonField } from './acts.ts'
import { bodyErrors, errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'

/** Calls that are erased in one transaction: few, since one may have twenty thousand events. */
const callsAtOnceMax = 20

const textCharactersMax = 200
const digitsMin = 5
const digitsMax = 20

const callId = `the id of a call, 1 to ${textCharactersMax} characters`
const phone = `a phone number of ${digitsMin} to ${digitsMax} digits; other characters in it do not count`
const text = `a text of 1 to ${textCharactersMax} characters`
const paramText = z.string(text).min(1, text).max(textCharactersMax, text)

const body = objectOf({
  callId: z.string(callId).min(1, callId).max(textCharactersMax, callId).optional(),
  phone: z
    .string(phone)
    .refine((given) => {
      const digits = given.replaceAll(/\D/g, '').length
      return digits >= digitsMin && digits <= digitsMax
    }, phone)
    .optional()
    .openapi({ example: '+15550100' }),
  param: objectOf({ name: paramText, value: paramText }, 'an object with name and value').optional(),
  reason: reasonField,
}).superRefine((given, context) => {
  const selections = [given.callId, given.phone, given.param].filter((selection) => selection !== undefined)
  if (selections.length !== 1) {
    context.addIssue({ code: 'custom', message: 'one of callId, phone and param in it' })
  }
})

const route = createRoute({
  method: 'post',
  path: '/erase',
  summary: 'Erase what is known of a person',
  description:
    'The records, events and deliveries of one call, of all calls with a phone number, or of all calls with a param. What waits to be delivered is not sent any more. It cannot be undone. After an error it can be asked for again.',
  request: {
    headers: actorHeaders,
    body: { content: { 'application/json': { schema: body } }, required: true },
  },
  responses: {
    200: jsonAnswer(
      'What was erased.',
      z
        .object({ calls: z.int(), events: z.int(), deliveries: z.int(), attempts: z.int() })
        .openapi('EraseReport'),
    ),
    ...errorAnswers(...bodyErrors),
  },
})

export function addEraseRoute(app: ApiApp, { store }: Pick<ApiOptions, 'store'>): void {
  app.openapi(route, async (c) => {
    const { reason, ...given } = c.req.valid('json')
    const selection = given as EraseSelection
    const report: EraseReport = { calls: 0, events: 0, deliveries: 0, attempts: 0 }
    try {
      let more = true
      while (more) {
        const erased = await store.erase(selection, callsAtOnceMax)
        report.calls += erased.calls
        report.events += erased.events
        report.deliveries += erased.deliveries
        report.attempts += erased.attempts
        more = erased.more
      }
    } finally {
      // What was erased before an error is erased.
      await audit(store, c.req.valid('header'), {
        action: 'erase',
        target: targetOf(selection),
        reason,
        detail: { ...report },
      })
    }
    return c.json(report, 200)
  })
}

/** The log of acts must not keep what was to be forgotten: of a number or a param no value. */
function targetOf(selection: EraseSelection): string {
  if ('callId' in selection) return `call ${selection.callId}`
  return 'phone' in selection ? 'phone' : `param ${selection.param.name}`
}
