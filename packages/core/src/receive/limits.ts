/** The bounds of ingest. Every one is part of the HTTP contract or protects the process from a sender. */
export interface IngestLimits {
  /** Largest body of one request, in bytes; a source may ask for less. */
  bodyBytesMax: number
  /** Bytes of bodies between their first byte and their commit, all requests together. */
  inFlightBytesMax: number
  /** From the head of the request to the last byte of its body. */
  bodyMs: number
  /** From the complete body to the answer; after it the outcome of the write is unknown. */
  commitMs: number
  /** After a refusal the rest of a body is read for this long, so that the sender gets to see the answer. */
  lingerMs: number
}

export const ingestLimits: IngestLimits = {
  bodyBytesMax: 10 * 1024 * 1024,
  inFlightBytesMax: 32 * 1024 * 1024,
  bodyMs: 10_000,
  commitMs: 4_000,
  lingerMs: 1_000,
}
