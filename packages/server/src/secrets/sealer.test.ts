import { expect, test } from 'vitest'
import { createSealer, SealError } from './sealer.ts'

const secrets = { authSecret: 'hunter-2-hunter', signingSecrets: ['whsec_a', 'whsec_ب'] }
const sealer = createSealer('a key of the environment')

test('what is sealed comes back, and is not in the text', () => {
  const sealed = sealer.seal('dst_1', secrets)
  expect(sealed).toMatch(/^v1\.[\w-]+$/)
  expect(Buffer.from(sealed?.slice(3) ?? '', 'base64url').toString('latin1')).not.toContain('hunter')
  expect(sealer.open('dst_1', sealed)).toEqual(secrets)
  expect(createSealer('a key of the environment').open('dst_1', sealed)).toEqual(secrets)
})

test('the same secrets are another text each time - equal texts would tell who shares one', () => {
  expect(sealer.seal('dst_1', secrets)).not.toBe(sealer.seal('dst_1', secrets))
})

test('no secrets are no text', () => {
  expect(sealer.seal('dst_1', {})).toBeNull()
  expect(sealer.open('dst_1', null)).toEqual({})
})

function refusalOf(open: () => unknown): string {
  try {
    open()
  } catch (error) {
    expect(error).toBeInstanceOf(SealError)
    expect((error as Error).cause).toBeUndefined()
    return (error as Error).message
  }
  throw new Error('it was opened')
}

test('another key is refused by the name of its variable, and nothing of the data is said', () => {
  const sealed = sealer.seal('dst_1', secrets) ?? ''
  const message = refusalOf(() => createSealer('another key').open('dst_1', sealed))
  expect(message).toContain('HOOKSWITCH_SECRET_KEY')
  expect(message).not.toMatch(/hunter|whsec|another key|v1\./)
})

test('what was sealed for one destination opens for no other - rows cannot be mixed up', () => {
  const sealed = sealer.seal('dst_1', secrets)
  expect(refusalOf(() => sealer.open('dst_2', sealed))).toContain('HOOKSWITCH_SECRET_KEY')
})

test('a text that was changed or cut anywhere does not open', () => {
  const sealed = sealer.seal('dst_1', secrets) ?? ''
  const bytes = Buffer.from(sealed.slice(3), 'base64url')
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes)
    changed[at] = (changed[at] ?? 0) ^ 1
    refusalOf(() => sealer.open('dst_1', `v1.${changed.toString('base64url')}`))
    refusalOf(() => sealer.open('dst_1', `v1.${bytes.subarray(0, at).toString('base64url')}`))
  }
})

test.each(['', 'v2.AAAA', 'v1.', 'plain text'])('"%s" is no sealed text', (text) => {
  expect(refusalOf(() => sealer.open('dst_1', text))).toContain('does not know')
})
