// The config file; what it is written with is `@hookswitch/server/config`.
export { loadConfig } from './config/load-config.ts'
export { defaultSource, resolveConfig } from './config/resolve-config.ts'
export type { ResolvedAgent, ResolvedConfig, ResolvedSource } from './config/resolve-config.ts'
export { ConfigurationError } from './config/configuration-error.ts'

// The environment, and the secrets that the data folder holds.
export { readEnvironment } from './environment.ts'
export type { Environment, LogLevel } from './environment.ts'
export { readSecretFile } from './secrets/secret-files.ts'
export type { SecretFileName, StartSecrets } from './secrets/secret-files.ts'

// The server.
export { startServer } from './start-server.ts'
export type { RunningServer, ServerOptions } from './start-server.ts'
