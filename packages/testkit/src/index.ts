// The program in a process of its own, and asking it.
export {
  endServerProcesses,
  startServerProcess,
  temporaryFolder,
  testAdminToken,
  testSecret,
} from './server-process/server-process.ts'
export type { ServerProcess, ServerProcessOptions } from './server-process/server-process.ts'
export { allEvents, api, post, until } from './server-process/client.ts'
export type { Answer } from './server-process/client.ts'

// Programs that are not ours and receive what is sent.
export { python, pythonHas, startReceiverProgram } from './server-process/receiver-program.ts'
export type { ReceiverProgram } from './server-process/receiver-program.ts'
