import { z } from 'zod'

/** Settings without other keys. The message for another key is the list of the known ones, with spaces between. */
export function settingsObject<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape).join(' ')
  return z.strictObject(shape, {
    error: ({ code }) => (code === 'unrecognized_keys' ? known : 'an object of settings'),
  })
}
