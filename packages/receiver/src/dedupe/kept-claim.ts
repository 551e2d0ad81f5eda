/**
 * For so long a claim is kept after its lease has ended. Until another takes it, it is still its holder's: a handler
 * that went on while the store could not be reached still gets its event marked as done.
 */
export const keptMs = 600_000
