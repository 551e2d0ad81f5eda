// What a kind is, and all of them by name.
export { destinationKinds } from './kinds.ts'
export type {
  CallTarget,
  DestinationKind,
  HandlerCall,
  KindContext,
  Message,
  OpenDestination,
  ShownEvent,
} from './kind.ts'

// The one way out.
export { createEgress } from './egress/create-egress.ts'
export type { EgressOptions } from './egress/create-egress.ts'
export type { Resolve } from './egress/reach.ts'
export { EgressFailure } from './egress/egress.ts'
export type { Egress, EgressAnswer, EgressRequest } from './egress/egress.ts'
