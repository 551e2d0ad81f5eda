import { z } from 'zod'

/** Marks a message that is the whole problem; every other message is an expectation, and what came is put before it. */
export const saidWhole = 'saidWhole'

/** Refuses with a sentence that goes on after the place: "is 'none' beside secrets, expected one of the two". */
export function refuse(context: z.core.$RefinementCtx, problem: string, path: PropertyKey[] = []): void {
  context.addIssue({ code: 'custom', message: problem, path, params: { [saidWhole]: true } })
}

/** An object without other keys. The message for another key is the list of the known ones, from which one is suggested. */
export function objectOf<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  expectation = 'an object',
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape).join(' ')
  return z.strictObject(shape, { error: ({ code }) => (code === 'unrecognized_keys' ? known : expectation) })
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Marks an issue of something that is of another kind than expected, and not of the right kind with a wrong value. */
export const isOfOtherKind = 'isOfOtherKind'

/** An object of JSON as it came, also with a key `__proto__`, which zod's own records leave out. */
export function jsonObject(expectation: string): z.ZodCustom<Record<string, unknown>> {
  return z.custom<Record<string, unknown>>(isObject, {
    error: expectation,
    params: { [isOfOtherKind]: true },
  })
}

/** Whether a value has objects and lists within each other in more than `levels` levels. */
export function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  // A list of millions is looked through where it is, and for an object of as many fields their names cost least.
  if (Array.isArray(value)) return value.some((member) => isNestedDeeper(member, levels - 1))
  return Object.keys(value).some((name) =>
    isNestedDeeper((value as Record<string, unknown>)[name], levels - 1),
  )
}
