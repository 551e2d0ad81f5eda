import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** Says which key and which text form it is; another form would be another version. */
const purpose = 'hookswitch destination secrets v1'
const version = 'v1.'

/** As NIST SP 800-38D has them for GCM. */
const ivBytes = 12
const tagBytes = 16

/** The secret settings of a destination, encrypted for the store. */
export interface Sealer {
  /** The text that is stored; null where there are no secrets. */
  seal(destinationId: string, secrets: Readonly<Record<string, unknown>>): string | null
  /** @throws SealError where the text was made with another key, for another destination, or was changed. */
  open(destinationId: string, sealed: string | null): Record<string, unknown>
}

/** Secrets that cannot be read. The message is for people and has nothing of the data. */
export class SealError extends Error {
  override readonly name = 'SealError'
}

/**
 * Encrypts with AES-256-GCM under a key that HKDF-SHA256 makes of the text. The destination's id is authenticated
 * with it, so that what was sealed for one destination cannot be put into another's row.
 *
 * @param secretKey `HOOKSWITCH_SECRET_KEY`, the same on every node of a store.
 */
export function createSealer(secretKey: string): Sealer {
  const key = Buffer.from(hkdfSync('sha256', secretKey, '', purpose, 32))
  return {
    seal(destinationId, secrets) {
      if (Object.keys(secrets).length === 0) return null
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: tagBytes })
      cipher.setAAD(Buffer.from(destinationId))
      const text = Buffer.concat([cipher.update(JSON.stringify(secrets), 'utf8'), cipher.final()])
      return version + Buffer.concat([iv, text, cipher.getAuthTag()]).toString('base64url')
    },

    open(destinationId, sealed) {
      if (sealed === null) return {}
      const bytes = Buffer.from(sealed.slice(version.length), 'base64url')
      if (!sealed.startsWith(version) || bytes.length < ivBytes + tagBytes) {
        throw new SealError('its secrets are stored in a form that this program does not know')
      }
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, ivBytes), {
          authTagLength: tagBytes,
        })
        decipher.setAAD(Buffer.from(destinationId))
        decipher.setAuthTag(bytes.subarray(-tagBytes))
        const text = Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()])
        return JSON.parse(text.toString('utf8')) as Record<string, unknown>
      } catch {
        // The cause could quote what was being decrypted.
        throw new SealError(
          'its secrets cannot be read with this HOOKSWITCH_SECRET_KEY; start with the key that they were stored with, or set them anew',
        )
      }
    },
  }
}
