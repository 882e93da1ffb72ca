/** An embedder's own program that runs on the nodes of a simulated network. */
import type { Layer } from "effect"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { Node } from "../layers/node/Node.ts"
import type { Sync } from "../services/Sync.ts"

/** The node that a program runs on. */
export interface AppNode {
  /** From 0, and the same in every process of the node: use it as the key for what the program keeps across restarts. */
  readonly index: number
  /** The node's current address. */
  readonly ip: PeerIp
  /** Reports that the program broke one of its own promises. The run ends, and can be shrunk by the invariant's name. */
  readonly violated: (invariant: string, detail: string) => void
}

/**
 * Called once per process of a node. The layer is built inside that process once the node runs, with its clock, random source and
 * scheduler, and is closed before the node. These count as violations: a defect while it is built, a logged error, a fiber or timer
 * left behind. Take randomness from `Random` and time from `Clock` only; any other source makes runs differ.
 */
export type App = (node: AppNode) => Layer.Layer<never, never, Node | Sync>
