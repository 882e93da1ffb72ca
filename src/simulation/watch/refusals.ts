/**
 * A node may refuse a connection as a duplicate only if another socket of the pair is alive. Very recent events may still be
 * unknown to it, and delayed data may be anywhere.
 */
import { Effect } from "effect"
import * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import type { MemoryNetwork } from "../../layers/socket/memory/MemoryNetwork.ts"
import * as SimulationLimits from "../plan/Limits.ts"
import type { SimulatedNode } from "../SimulatedNode.ts"

/** What the check looks at. */
export interface Watched {
  readonly time: { readonly now: number }
  readonly isAlive: (node: number) => boolean
  readonly timeline: { readonly isSlow: (a: number, b: number) => boolean }
  readonly violated: (invariant: string, detail: string) => void
}

/** `node` has refused this socket of the other node. */
export const check = (
  world: Watched,
  network: MemoryNetwork["Service"],
  node: SimulatedNode,
  other: SimulatedNode,
  socket: string
): void => {
  const settled = world.time.now - SimulationLimits.newsMs
  if (!world.isAlive(other.index) || other.startedMs > settled || node.startedMs > settled) return
  if (world.timeline.isSlow(node.index, other.index)) return
  const ends = new Set([...node.addresses, ...other.addresses])
  const living = Effect.runSync(network.connections).some((connection) =>
    ends.has(connection.initiator.ip) && ends.has(connection.acceptor.ip) &&
    connection.initiatorOpen && connection.acceptorOpen && PeerAddress.format(connection.initiator) !== socket
  )
  if (living) return
  world.violated(
    "a live peer is not refused for a dead one",
    `${node.name} refuses ${socket} of ${other.name} as a duplicate, and has no other`
  )
}
