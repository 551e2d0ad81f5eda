const mebibyte = 1024 * 1024

/** What user code may take, and when a thread that runs it is given up. */
export const userCodeLimits = {
  /** How often the threads are looked at. */
  lookMs: 250,
  /** A thread that gives no sign for so long is given nothing more. */
  silentMs: 1_000,
  /** And is ended when it goes on: no code is worth waiting for that keeps a thread so long. */
  replaceMs: 10_000,
  /** Sooner, where nobody waits for anything in it any more, or others wait for its place. */
  replaceOverdueMs: 2_000,
  /** From the deadline, or a stop, to the answer: code that heeds its signal ends in this time and says how. */
  graceMs: 500,
  /** A thread imports the config file, and whatever that imports. */
  startMs: 30_000,
  /** The thread of one destination ends after so long without work. */
  idleMs: 60_000,
  /** How long a close waits for threads that were told to end: native code can hold one back. */
  closeMs: 2_000,
  /** What code may take in a thread beyond what the thread had at its start; at twice as much it is ended at once. */
  memoryBytesMax: 256 * mebibyte,
  /** Runs past their deadline that a thread may still hold before another takes its place: each keeps what it holds. */
  overdueMax: 256,
  /** Threads at once: one that works, and others that are ended or waited for. */
  commonThreadsMax: 4,
  /** The same for a destination that is kept apart. */
  ownThreadsMax: 2,
  /** Destinations with a thread of their own; beyond that they share. */
  quarantineMax: 8,
}

export type UserCodeLimits = typeof userCodeLimits
