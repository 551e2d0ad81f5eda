import { access, constants, readdir, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { failed, passed, warning, type Check } from './check.ts'

/** Ingest stops below the first, so that results and retention can still be written. */
const freeBytesMin = 512 * 1024 * 1024
const freeBytesScarce = 4 * freeBytesMin

/** Looks at the rights of the data folder and of what is in it. */
export async function checkDataFolder(folder: string): Promise<Check> {
  const name = 'data folder'
  const found = await stat(folder).catch(() => null)
  if (found === null) {
    const parent = await nearestFolder(folder)
    const writable = await access(parent, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    )
    return writable
      ? passed(name, `${folder} is not there yet; the first start makes it.`)
      : failed(name, `${folder} cannot be made in ${parent}.`, 'Name another with HOOKSWITCH_DATA_DIR.')
  }
  if (!found.isDirectory()) {
    return failed(name, `${folder} is no folder.`, 'Name another with HOOKSWITCH_DATA_DIR.')
  }
  const unusable = await access(folder, constants.R_OK | constants.W_OK | constants.X_OK).then(
    () => false,
    () => true,
  )
  if (unusable) {
    return failed(
      name,
      `${folder} cannot be read and written by this user.`,
      'Run this as the user that the server runs as, or give that user the folder.',
    )
  }
  // Windows has no such rights.
  if (process.platform === 'win32') return passed(name, `${folder} is there.`)
  const files = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile())
  const paths = [folder, ...files.map((entry) => join(folder, entry.name))]
  const open = []
  for (const path of paths) {
    if (((await stat(path)).mode & 0o077) !== 0) open.push(path)
  }
  // The folder's own rights keep everyone out of what is in it, whatever the files say, except of the secrets.
  const atFault = open.filter((path) => path === folder || /(?:secret|token|key)$/.test(path))
  return atFault.length === 0
    ? passed(name, `${folder} is open to its owner alone.`)
    : warning(
        name,
        `Others on this machine can read ${atFault.join(', ')}.`,
        `Close it: chmod 700 ${folder} && chmod 600 ${folder}/*`,
      )
}

/** By the numbers of statfs(2); what is not here is taken to be a disk. */
const fileSystems: ReadonlyMap<number, string> = new Map([
  [0x01021994, 'is memory, which a restart of the machine empties'],
  [0x794c7630, 'is the layer of a container, which goes with the container'],
  [0x6969, 'is NFS, on which the locks and the shared memory of SQLite cannot be relied on'],
  [0xff534d42, 'is a network share, on which the locks of SQLite cannot be relied on'],
  [0xfe534d42, 'is a network share, on which the locks of SQLite cannot be relied on'],
])

/** Whether what is written there stays. */
export async function checkFileSystem(folder: string): Promise<Check> {
  const name = 'file system'
  const { type } = await statfs(await nearestFolder(folder))
  const trouble = process.platform === 'linux' ? fileSystems.get(type) : undefined
  return trouble === undefined
    ? passed(name, `${folder} lies on a disk.`)
    : warning(
        name,
        `${folder} ${trouble}.`,
        'Put the data folder on a local disk or a volume: HOOKSWITCH_DATA_DIR.',
      )
}

export async function checkFreeDisk(folder: string): Promise<Check> {
  const name = 'free disk'
  const { bavail, bsize } = await statfs(await nearestFolder(folder))
  const free = bavail * bsize
  const said = `${mebibytes(free)} are free where ${folder} lies.`
  if (free < freeBytesMin) {
    return failed(name, said, `Make room: below ${mebibytes(freeBytesMin)} no event is accepted.`)
  }
  if (free < freeBytesScarce) {
    return warning(name, said, `Make room soon: below ${mebibytes(freeBytesMin)} no event is accepted.`)
  }
  return passed(name, said)
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1024 / 1024).toLocaleString('en')} MiB`
}

/** The folder itself, or the nearest one above it that is there. */
async function nearestFolder(folder: string): Promise<string> {
  let path = folder
  while (path !== dirname(path) && (await stat(path).catch(() => null)) === null) path = dirname(path)
  return path
}
