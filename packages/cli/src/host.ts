/** What a command sees of its process; tests of the whole give it a real one. */
export type Host = Pick<NodeJS.Process, 'stdin' | 'stdout' | 'stderr' | 'cwd' | 'on' | 'off' | 'exit'>
