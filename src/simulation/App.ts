/** An embedder's own program on the nodes of a simulated network. */
import type { Layer } from "effect"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import type { Node } from "../layers/node/Node.ts"
import type { Sync } from "../services/Sync.ts"

/** The node that a program is put on. */
export interface AppNode {
  /** From 0, the same in every process of the node: what the program keeps for the next one goes by it. */
  readonly index: number
  /** Its address now. */
  readonly ip: PeerIp
  /** A promise of the program's own is broken: the run ends, and can be made shorter by the invariant's name. */
  readonly violated: (invariant: string, detail: string) => void
}

/**
 * Called once for each process of a node. The layer is built in the node's process when the node runs, with the process's clock,
 * chance and scheduler, and closed before the node. A defect while it is built, an error in the log, a fiber or a timer that it
 * leaves behind are violations. It must draw chance from `Random` and time from `Clock` alone: all else would make runs differ.
 */
export type App = (node: AppNode) => Layer.Layer<never, never, Node | Sync>
