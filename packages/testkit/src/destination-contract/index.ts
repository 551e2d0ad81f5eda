// What every kind of destination that is reached by HTTP is held to.
export { destinationContract, destinationContractCases } from './suite.ts'
export type { DestinationHarness } from './suite.ts'

// Real servers on loopback that stand for destinations, and the ways in which they misbehave.
export { deafPort, loopback, startPeer } from './peer.ts'
export type { Peer, PeerAnswer, PeerOptions, PeerRequest } from './peer.ts'
export {
  answers,
  answersSlowly,
  babbles,
  cutsOff,
  echoes,
  hangs,
  hangsUp,
  neverEnds,
  overdoesHeaders,
  resetsAtOnce,
  stallsAfter,
} from './misbehave.ts'
export type { PlainAnswer } from './misbehave.ts'
export { testCertificate } from './certificate.ts'

// An event on its way.
export { sampleCall, sampleEvent, sampleMessage } from './sample-message.ts'

// What no delivery may reach.
export { asHost, refusedAddresses, refusedNotations } from './refused-addresses.ts'
