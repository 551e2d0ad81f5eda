/** A commit takes at most this many events, so that the first of them does not wait long for the last. */
export const batchEventsMax = 512
export const batchBytesMax = 4 * 1024 * 1024

/** A body over this many bytes commits alone: it would make a hundred small ones wait. */
export const aloneBytes = 1024 * 1024
