/** How one node is set up: decoded, complete, valid. Made from flags, environment and file, or by an embedder's code. */
import { Context } from "effect"
import * as Limits from "../domain/Limits.ts"
import type { Network } from "../domain/Network.ts"
import type { PeerAddress } from "../domain/peer/PeerAddress.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"

/** Durations and limits an operator may set. Milliseconds and counts; defaults and reasons in `domain/Limits.ts`. */
export interface Tuning {
  readonly dialMs: number
  readonly graceMs: number
  readonly fallbackMs: number
  readonly fallbackJitterMs: number
  readonly fallbackFirstMs: number
  readonly fallbackFirstJitterMs: number
  readonly pingMs: number
  readonly deadMs: number
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
  readonly maxPeers: number
  readonly maxDials: number
}

/** Every duration and limit as `domain/Limits.ts` has it. */
export const defaultTuning: Tuning = {
  dialMs: Limits.dialMs,
  graceMs: Limits.graceMs,
  fallbackMs: Limits.fallbackMs,
  fallbackJitterMs: Limits.fallbackJitterMs,
  fallbackFirstMs: Limits.fallbackFirstMs,
  fallbackFirstJitterMs: Limits.fallbackFirstJitterMs,
  pingMs: Limits.pingMs,
  deadMs: Limits.deadMs,
  backoffBaseMs: Limits.backoffBaseMs,
  backoffMaxMs: Limits.backoffMaxMs,
  maxPeers: Limits.maxPeers,
  maxDials: Limits.maxDials
}

export interface NodeSetup {
  readonly network: Network
  /** `any`: every address of the host, `[::]` or, where there is no IPv6, 0.0.0.0. Port 0 takes a free one. */
  readonly listen: { readonly ip: PeerIp | "any"; readonly port: number }
  /** The address peers know us by, when it differs from a specific listen IP. */
  readonly advertise: PeerIp | undefined
  /** Peers to connect to from the start. None is this node. */
  readonly peers: ReadonlyArray<PeerAddress>
  /** What our Hello says we are, ≤ 64 bytes. */
  readonly software: string
  readonly tuning: Tuning
  /** Peers are told that this node makes test blocks (`Producer`, devnet). */
  readonly produces?: boolean | undefined
}

export class NodeConfig extends Context.Service<NodeConfig, NodeSetup>()("timemesh/services/NodeConfig") {}
