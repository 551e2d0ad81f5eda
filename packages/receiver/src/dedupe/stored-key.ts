import { sha256Hex } from '../receiver/sha256.ts'

/** Long enough for the key of a usual call, and far below what the index of any database takes. */
const charactersMax = 200

/** What every store keeps as it is. A key that looks like one of the hashes below is not among them. */
const plain = /* @__PURE__ */ new RegExp(`^(?!sha256:)[\\x20-\\x7e]{1,${charactersMax}}$`)

/**
 * A key as it stands in a store: itself where it is short and plain, so that people can read it there, and its hash
 * where it is not. PostgreSQL takes neither NUL nor a long key into its index, and two keys whose halves of
 * surrogate pairs differ are one in UTF-8.
 */
export async function storedKey(key: string): Promise<string> {
  return plain.test(key) ? key : `sha256:${await keyHash(key)}`
}

/** JSON, because it keeps halves of surrogate pairs apart. */
export async function keyHash(key: string): Promise<string> {
  return sha256Hex(JSON.stringify(key))
}
