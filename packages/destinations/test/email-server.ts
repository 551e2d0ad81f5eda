import { emailKind } from '../src/email/email-kind.ts'
import type { OpenDestination } from '../src/kind.ts'
import { openKind, surround, type Surroundings } from './open-kind.ts'

export const addresses = { from: 'Calls <calls@example.com>', to: 'ops@example.com' }
export const login = { user: 'calls@example.com', password: 'right' }

export function toServer(
  port: number,
  settings: object = {},
  surroundings: Surroundings = {},
): OpenDestination {
  return openKind(emailKind, { host: '127.0.0.1', port, ...addresses, ...settings }, surroundings)
}

/** As to a server at a public address: reachable, and not by what is plain. */
export async function toPublicServer(port: number, settings: object = {}): Promise<OpenDestination> {
  const context = surround()
  const egress = {
    ...context.egress,
    check: (url: string) =>
      url.startsWith('http:') ? Promise.resolve('is http, expected https') : context.egress.check(url),
  }
  const given = emailKind.settings.parse({ host: '127.0.0.1', port, ...addresses, ...settings })
  return emailKind.open(given, { ...context, egress })
}
