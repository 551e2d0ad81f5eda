import { createRoute, z } from '@hono/zod-openapi'
import type { StoredDestination } from '@hookswitch/core'
import { actorHeaders, audit, reasonBody } from './acts.ts'
import { bodyErrors, errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { attemptSchema, shownAttempt } from './attempt-json.ts'
import { destinationSchema, shownDestination } from './destination-json.ts'
import { findDestination, refuseRemoved } from './destination-list.ts'
import { destinationParams } from './destinations.ts'
import { ApiError } from './errors.ts'

const request = {
  params: destinationParams,
  headers: actorHeaders,
  body: { content: { 'application/json': { schema: reasonBody } } },
}

const answers = {
  200: jsonAnswer('The destination as it is now.', destinationSchema),
  ...errorAnswers('not_found', 'conflict', ...bodyErrors),
}

const pauseRoute = createRoute({
  method: 'post',
  path: '/destinations/{id}/pause',
  summary: 'Pause a destination',
  description:
    'Nothing is sent to it a second after the answer, and its events wait. One that is paused stays so.',
  request,
  responses: answers,
})

const resumeRoute = createRoute({
  method: 'post',
  path: '/destinations/{id}/resume',
  summary: 'Resume a destination',
  description:
    'Ends whatever holds it. What has gathered goes out in order and at a growing pace. One that is active stays so.',
  request,
  responses: answers,
})

const testRoute = createRoute({
  method: 'post',
  path: '/destinations/{id}/test',
  summary: 'Send a sample to a destination',
  description:
    'A sample that says that it is one, sent at once with the settings as they are now, also while the destination is held. It changes nothing else.',
  request,
  responses: {
    200: jsonAnswer(
      'What came of it.',
      z.object({ ok: z.boolean(), attempt: attemptSchema }).openapi('TestResult'),
    ),
    ...errorAnswers('not_found', 'conflict', ...bodyErrors),
  },
})

export function addDestinationActRoutes(app: ApiApp, options: ApiOptions): void {
  const { store, secretsOf, testDestination, clock } = options

  async function find(idOrName: string): Promise<StoredDestination> {
    const destination = await findDestination(store, idOrName)
    refuseRemoved(destination)
    return destination
  }

  app.openapi(pauseRoute, async (c) => {
    const { reason } = c.req.valid('json')
    const { id } = await find(c.req.valid('param').id)
    const paused = await store.holdDestination(id, { reason: 'paused', until: null, detail: reason ?? null })
    if (paused === null) throw new ApiError('not_found')
    await audit(store, c.req.valid('header'), { action: 'destination.pause', target: id, reason })
    return c.json(shownDestination(paused, secretsOf, clock()), 200)
  })

  app.openapi(resumeRoute, async (c) => {
    const { reason } = c.req.valid('json')
    const { id } = await find(c.req.valid('param').id)
    const resumed = await store.holdDestination(id, null)
    if (resumed === null) throw new ApiError('not_found')
    await audit(store, c.req.valid('header'), { action: 'destination.resume', target: id, reason })
    return c.json(shownDestination(resumed, secretsOf, clock()), 200)
  })

  app.openapi(testRoute, async (c) => {
    const { reason } = c.req.valid('json')
    const destination = await find(c.req.valid('param').id)
    const attempt = await testDestination(destination)
    const ok = attempt.verdict === 'delivered'
    await audit(store, c.req.valid('header'), {
      action: 'destination.test',
      target: destination.id,
      reason,
      detail: { ok },
    })
    return c.json({ ok, attempt: shownAttempt(attempt) }, 200)
  })
}
