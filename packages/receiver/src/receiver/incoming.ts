/** A request as an adapter hands it over. */
export interface Incoming {
  method: string
  /** @param name in lower case. */
  header(name: string): string | null | undefined
  /**
   * The bytes, a stream of them, or what a middleware has parsed already; null for none.
   *
   * A stream is read to its end, or left where it is too large or too slow: a `ReadableStream` is then cancelled, and of
   * an iterator `return()` is called. A Node stream loses its socket with that, before the answer is
   * written, so hand over `request.iterator({ destroyOnReturn: false })`.
   */
  body: Uint8Array | AsyncIterable<Uint8Array> | ReadableStream<Uint8Array> | ParsedBody | null
}

/** A body of which the bytes are gone. */
export interface ParsedBody {
  /**
   * What was made of it. A text is taken as the body itself. Undefined where nothing is left of it at all, which is
   * answered as if a signature were asked for.
   */
  parsed: unknown
  /** What has read it, such as `express.json()`. */
  by: string
  /** What to do about it, such as `move app.post('/webhook', …) above app.use(express.json())`. */
  move: string
}

/** What to answer. */
export interface Answer {
  status: number
  /** Names in lower case. `content-length` is not among them. */
  headers: Readonly<Record<string, string>>
  /** JSON. */
  body: string
}
