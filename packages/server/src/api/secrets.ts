import { randomBytes } from 'node:crypto'
import { createRoute, z } from '@hono/zod-openapi'
import type { SecretOrigin, StoredSecret } from '@hookswitch/core'
import { readSecret } from '../config/secret-text.ts'
import { secretsOfSourceMax } from '../secrets/keyring.ts'
import { bodyErrors, errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp, ApiOptions } from './app.ts'
import { ApiError } from './errors.ts'
import { readTime } from './parameters.ts'
import { addedSecretSchema, listSchema, secretSchema } from './schemas.ts'
import { iso, isoOrNull } from './times.ts'

const dayMs = 24 * 60 * 60 * 1000

/** A day is enough to change a setting of an agent, and short enough that a lost secret does not live on. */
const overlapSecondsDefault = 24 * 60 * 60
const overlapSecondsMax = 30 * 24 * 60 * 60

/** Shorter ones can be guessed over the network. */
const charactersMin = 8
const charactersMax = 500

const secretExpectation = `${charactersMin} to ${charactersMax} characters of printable ASCII`
const expiresAtExpectation = 'a time in ISO 8601 with a zone, such as 2026-01-31T12:00:00Z, or null'
const overlapExpectation = `a whole number of seconds from 0 to ${overlapSecondsMax}, beside "rotate": true`

const fields = {
  label: z.string('a text of at most 100 characters').max(100, 'a text of at most 100 characters').optional(),
  secret: z
    .string(secretExpectation)
    .transform((text, context) => {
      const reading = readSecret(text)
      if (reading.ok && reading.secret.length >= charactersMin) return reading.secret
      context.addIssue({ code: 'custom', message: secretExpectation })
      return z.NEVER
    })
    .optional()
    .openapi({
      type: 'string',
      minLength: charactersMin,
      maxLength: charactersMax,
      description: 'Made here if absent.',
    }),
  expiresAt: z
    .string(expiresAtExpectation)
    .transform((text, context) => {
      const ms = /^\d+$/.test(text) ? undefined : readTime(text)
      if (ms !== undefined) return ms
      context.addIssue({ code: 'custom', message: expiresAtExpectation })
      return z.NEVER
    })
    .nullable()
    .optional()
    .openapi({ type: ['string', 'null'], format: 'date-time', description: 'Not accepted from then on.' }),
  rotate: z.literal(true, 'true, or nothing').optional().openapi({
    description: 'Ends the other secrets that were added over the API, after the overlap.',
  }),
  overlapSeconds: z
    .int(overlapExpectation)
    .min(0, overlapExpectation)
    .max(overlapSecondsMax, overlapExpectation)
    .optional()
    .openapi({ description: `With rotate; ${overlapSecondsDefault} (a day) by default.` }),
}

const body = z
  .strictObject(fields, {
    error: ({ code }) => (code === 'unrecognized_keys' ? Object.keys(fields).join(' ') : 'an object'),
  })
  .superRefine(({ rotate, overlapSeconds }, context) => {
    if (overlapSeconds !== undefined && rotate === undefined) {
      context.addIssue({ code: 'custom', path: ['overlapSeconds'], message: overlapExpectation })
    }
  })

const source = z.string().openapi({ example: 'hamsa' })

const listRoute = createRoute({
  method: 'get',
  path: '/sources/{source}/secrets',
  summary: 'List the secrets of a source',
  description: 'Oldest first, with age and last use; never the secrets themselves.',
  request: { params: z.object({ source }) },
  responses: { 200: jsonAnswer('All of them.', listSchema(secretSchema)), ...errorAnswers('not_found') },
})

const addRoute = createRoute({
  method: 'post',
  path: '/sources/{source}/secrets',
  summary: 'Add a secret to a source',
  description: 'Valid at once on this node, within two seconds on all. With `rotate` it replaces the others.',
  request: { params: z.object({ source }), body: { content: { 'application/json': { schema: body } } } },
  responses: {
    201: jsonAnswer('The secret; its text only where it was made here.', addedSecretSchema),
    ...errorAnswers('not_found', 'conflict', ...bodyErrors),
  },
})

const removeRoute = createRoute({
  method: 'delete',
  path: '/sources/{source}/secrets/{id}',
  summary: 'Remove a secret from a source',
  description:
    'It is not accepted from then on. One that was given in environment, config or data folder is removed there.',
  request: { params: z.object({ source, id: z.string().openapi({ example: 'sec_V3x0mB1kq9Zt' }) }) },
  responses: { 204: { description: 'Removed.' }, ...errorAnswers('not_found', 'conflict') },
})

/** Where a secret that was not added over the API is to be removed. */
const places: Readonly<Record<Exclude<SecretOrigin, 'api'>, string>> = {
  environment: 'the environment, in WEBHOOK_SECRET',
  config: 'the config file',
  file: 'the data folder, in the file webhook-secret',
}

export function addSecretRoutes(app: ApiApp, { keyring, sources, clock }: ApiOptions): void {
  function known(name: string): string {
    if (!sources.has(name)) throw new ApiError('not_found', 'No source has this name')
    return name
  }

  app.openapi(listRoute, async (c) => {
    const name = known(c.req.valid('param').source)
    await keyring.refresh()
    return c.json(
      { items: keyring.list(name).map((secret) => shown(secret, clock())), nextCursor: null },
      200,
    )
  })

  app.openapi(addRoute, async (c) => {
    const name = known(c.req.valid('param').source)
    const { label, secret, expiresAt, rotate, overlapSeconds } = c.req.valid('json')
    const now = clock()
    if (typeof expiresAt === 'number' && expiresAt <= now) {
      throw new ApiError('invalid_request', 'expiresAt is in the past, expected a time to come')
    }
    const made = secret === undefined ? `whk_${randomBytes(32).toString('base64url')}` : null
    const addition = await keyring.add(name, secret ?? made ?? '', label ?? null, expiresAt ?? null)
    if (!addition.ok) throw new ApiError('conflict', refusal(addition))
    const answer = { ...shown(addition.added, now), ...(made === null ? {} : { secret: made }) }
    if (rotate === undefined) return c.json(answer, 201)
    const endsAt = now + (overlapSeconds ?? overlapSecondsDefault) * 1000
    const ended = await keyring.endOthers(name, addition.added.id, endsAt)
    const kept = keyring.list(name).filter(({ origin }) => origin !== 'api')
    const rotated = {
      ended: ended.map((other) => shown(other, now)),
      kept: kept.map((other) => shown(other, now)),
    }
    return c.json({ ...answer, rotated }, 201)
  })

  app.openapi(removeRoute, async (c) => {
    const { source: name, id } = c.req.valid('param')
    const removal = await keyring.remove(known(name), id)
    if (removal === 'removed') return c.body(null, 204)
    if (removal === 'not_found') throw new ApiError('not_found', 'No secret of this source has this id')
    throw new ApiError('conflict', `This secret was given in ${places[removal]}; remove it there`)
  })
}

function refusal(
  addition: { reason: 'known'; origin: SecretOrigin; id: string } | { reason: 'too_many' },
): string {
  if (addition.reason === 'too_many') return `A source has at most ${secretsOfSourceMax} secrets; remove one`
  const { origin, id } = addition
  return origin === 'api'
    ? `This secret is there already, as ${id}; remove that one first`
    : `This secret is given in ${places[origin]} already`
}

function shown(secret: StoredSecret, now: number): z.infer<typeof secretSchema> {
  const { id, source: name, label, origin, createdAt, expiresAt, lastUsedAt } = secret
  return {
    id,
    source: name,
    label,
    origin,
    createdAt: iso(createdAt),
    expiresAt: isoOrNull(expiresAt),
    lastUsedAt: isoOrNull(lastUsedAt),
    ageDays: Math.max(0, Math.floor((now - createdAt) / dayMs)),
  }
}
