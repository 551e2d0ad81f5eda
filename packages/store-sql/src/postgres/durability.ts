/** `hookswitch.append` raises `synchronous_commit` where it is off; the others are the server's. */
export const durabilitySettings = [
  'fsync',
  'full_page_writes',
  'synchronous_commit',
  'synchronous_standby_names',
] as const
