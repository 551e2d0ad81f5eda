import { hash, timingSafeEqual } from 'node:crypto'

/** Says whether an Authorization header shows the token: `Bearer <token>`, in time that does not depend on the token. */
export function adminTokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = hash('sha256', token, 'buffer')
  return (authorization) => {
    const shown = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
    return shown !== undefined && timingSafeEqual(hash('sha256', shown, 'buffer'), expected)
  }
}
