import { createRoute, z } from '@hono/zod-openapi'
import { destinationKinds, type DestinationKind } from '@hookswitch/destinations'
import { handlerKind } from '../destinations/read-destination.ts'
import { errorAnswers, jsonAnswer } from './answers.ts'
import type { ApiApp } from './app.ts'
import { listSchema } from './schemas.ts'

const kindSchema = z
  .object({
    name: z.string().openapi({ example: 'webhook' }),
    title: z.string().openapi({ example: 'Webhook' }),
    help: z.string().openapi({ description: 'How to get what its settings ask for.' }),
    configOnly: z
      .boolean()
      .openapi({ description: 'It can be made in the config file only, since its code stands there.' }),
    settings: z.record(z.string(), z.unknown()).openapi({ description: 'JSON Schema of its settings.' }),
    secrets: z.array(z.string()).openapi({ description: 'The settings that are never shown.' }),
    template: z
      .string()
      .nullable()
      .openapi({ description: 'What a template must return; null where the kind takes none.' }),
  })
  .openapi('DestinationKind')

const route = createRoute({
  method: 'get',
  path: '/destination-kinds',
  summary: 'List the kinds of destinations and their settings',
  responses: { 200: jsonAnswer('All of them.', listSchema(kindSchema)), ...errorAnswers() },
})

export function addDestinationKindRoute(app: ApiApp): void {
  app.openapi(route, (c) => {
    const offered = [...destinationKinds.values()].filter(({ internal = false }) => !internal)
    return c.json({ items: offered.map(shownKind), nextCursor: null }, 200)
  })
}

function shownKind(kind: DestinationKind): z.infer<typeof kindSchema> {
  const { name, title, help, secrets, template } = kind
  // What goes in: a setting with a default may be left out.
  const { $schema, ...settings } = z.toJSONSchema(kind.settings, { io: 'input', unrepresentable: 'any' })
  void $schema
  return { name, title, help, configOnly: name === handlerKind, settings, secrets: [...secrets], template }
}
