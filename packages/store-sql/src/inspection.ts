/** What can be said about a store without opening it for work, also beside a server that holds it. */
export interface StoreInspection {
  /** File or host/database, without credentials. */
  location: string
  /** Null where there is no store yet. */
  schemaVersion: number | null
  /** The version that this program brings a store to. */
  schemaKnown: number
  /** The settings that durability rests on, by name; empty where there is no store yet. */
  durability: Record<string, string>
  /** How far the store's clock is ahead of this machine's, in milliseconds; null where they are the same clock. */
  clockAheadMs: number | null
}
