/** What the network of the pair fuzzer is made of: nodes, links, frames, and how long things take. */
import type * as DisconnectReason from "../../../src/domain/DisconnectReason.ts"
import type { EndId, Role, Timer } from "../../../src/domain/pair/PairState.ts"
import type { PairWatch } from "./pairWatch.ts"

export interface NodeSpec {
  readonly role: Role
  /** Knows the other's address from the start, also after a restart. */
  readonly knows: boolean
  /** Whether its dials get through. */
  readonly reaches: boolean
  /** ms. It gives up a connection on which nothing comes for so long (the liveness rule is not part of the pair). */
  readonly deadMs: number
  /** Where its dials lead: to one of these nodes, by turns. */
  readonly targets: ReadonlyArray<number>
}

export type Frame =
  | { readonly _tag: "Hello"; readonly tag: string; readonly order: EndId }
  | { readonly _tag: "Commit" | "Ack" | "Fin" }
  | { readonly _tag: "Ping" | "Pong"; readonly nonce: bigint }
  | { readonly _tag: "Reject"; readonly reject: DisconnectReason.RejectReason }

export type Side = 0 | 1

/** Side 0 dialled. */
export interface Link {
  readonly nodes: readonly [number, number]
  /** 0: no end there (any more). */
  readonly ends: [EndId, EndId]
  /** Nothing gets through to that side any more; nobody is told. */
  readonly cut: [boolean, boolean]
  /** When the last frame to that side arrives: none overtakes another. */
  readonly busyUntil: [number, number]
}

export interface Node {
  readonly spec: NodeSpec
  watch: PairWatch
  tag: string
  refusals: number
  failures: number
  /** Due times of its timers, by key. */
  due: Map<string, readonly [at: number, timer: Timer]>
  pausedUntil: number
}

export interface Due {
  readonly at: number
  readonly node: number
  readonly run: () => void
}

/** ms. After the faults, by then both sides must agree. Two processes that refuse each other wait up to 5 min. */
export const settleMs = 15 * 60_000
/** ms. So long after the faults their traces may still end a connection: slow frames, cuts not yet noticed. */
export const aftermathMs = 60_000
export const latencies = [0, 1, 5, 40, 200, 900, 2_500, 6_000]
