import { destinationKinds, type DestinationKind } from '@hookswitch/destinations'

/** Whether what stands at this place of a destination may be a secret, which no message quotes. */
export function isSecretSetting(path: readonly PropertyKey[], kind: unknown): boolean {
  const [root, setting] = path
  if (root !== 'settings') return false
  const known = typeof kind === 'string' ? destinationKinds.get(kind) : undefined
  // Of a kind that nobody knows, any setting may be one.
  return known === undefined || setting === undefined || known.secrets.includes(String(setting))
}

/** Takes the secret ones out of the settings of a kind. */
export function splitSettings(
  settings: Readonly<Record<string, unknown>>,
  { secrets }: Pick<DestinationKind, 'secrets'>,
): { settings: Record<string, unknown>; secrets: Record<string, unknown> } {
  const entries = Object.entries(settings)
  return {
    settings: Object.fromEntries(entries.filter(([name]) => !secrets.includes(name))),
    secrets: Object.fromEntries(entries.filter(([name]) => secrets.includes(name))),
  }
}
