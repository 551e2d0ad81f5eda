// What a `hookswitch.config.ts` imports.
export { defineConfig } from '@hookswitch/server'
export type { AgentConfig, HookswitchConfig, SourceConfig } from '@hookswitch/server'
