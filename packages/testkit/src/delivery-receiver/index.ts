// A real HTTP server that records what is delivered to it, and misbehaves on request.
export { after, closedGate, startDeliveryReceiver } from './receiver.ts'
export type { DeliveryReceiver, Gate, Received, Treatment } from './receiver.ts'

// Whether what came is what the promises say.
export { lanesOf, laneBreaches, repeatsIn } from './lane-order.ts'
export type { ExpectedLanes, Interruption } from './lane-order.ts'

// The program that delivers: making destinations, sending events, looking and acting.
export {
  accepted,
  acceptedCall,
  act,
  addWebhook,
  ask,
  callEvent,
  drained,
  gauge,
  listed,
  loopbackAllowed,
  shown,
} from './program.ts'
export type { GivenEvent } from './program.ts'
export { startTraffic } from './traffic.ts'
export type { Traffic, TrafficOptions } from './traffic.ts'

// The program as the platform: agents, calls that are started, and events that are published.
export { addAgent, publish, publishAll, publishForSure, startCall, wholeCall } from './platform.ts'
export type { MadeAgent, PublishedEvent } from './platform.ts'

// What may happen between two servers.
export { startFaultyLink } from './faulty-link.ts'
export type { Fault, FaultyLink, FaultyLinkOptions } from './faulty-link.ts'
