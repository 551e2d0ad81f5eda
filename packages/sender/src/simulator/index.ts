// Calls that never were, and what a platform tells of them.
export { createSimulation } from './simulation.ts'
export type { Simulation } from './simulation.ts'
export type { ResolvedSimulation, SimulationOptions } from './simulation-options.ts'
export type { SimulatedCall, SimulatedEvent, SimulatedSend } from './simulated-call.ts'

// What goes wrong on the way.
export { callFaults, faultNames, faultPresets, readFaults } from './faults.ts'
export type { FaultName, Faults } from './faults.ts'

// What a receiver must know afterwards, and what it does not.
export { truthOf } from './truth.ts'
export type { CallTruth } from './truth.ts'
export { differencesOf } from './compare-call.ts'
export type { Difference } from './compare-call.ts'
