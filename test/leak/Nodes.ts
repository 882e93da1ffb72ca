/** Real nodes, what each has counted so far, and the network that refuses them. */
import { Effect, Result, type Scope } from "effect"
import * as DisconnectReason from "../../src/domain/DisconnectReason.ts"
import { type Network, networks } from "../../src/domain/Network.ts"
import * as PeerIp from "../../src/domain/peer/PeerIp.ts"
import { NodeRules, protocolRules } from "../../src/services/NodeRules.ts"
import type { PeerSocket } from "../../src/services/PeerSocket.ts"
import * as TestNode from "../../src/testing/TestNode.ts"

/** A node, and its totals. Rows, connections and everything else are its own. */
export interface CountingNode extends TestNode.TestNode {
  readonly counts: { ups: number; downs: number; refused: number; dialsFailed: number }
  /** By label, for the report. */
  readonly reasons: Record<string, number>
}

/** All waits of the pair rules that configuration can shorten are: a cycle must not wait for a redial. */
const tuning = {
  graceMs: 1,
  fallbackMs: 1,
  fallbackJitterMs: 1,
  fallbackFirstMs: 1,
  fallbackFirstJitterMs: 1,
  backoffBaseMs: 1,
  backoffMaxMs: 1
}

/** Another network: its nodes are refused as `incompatible`. */
export const foreign: Network = { ...networks.devnet, genesis: "f".repeat(64) }

/** Starts a node on a free port; it lives as long as the scope. It keeps no events: they would be the leak. */
export const start = (
  sockets: PeerSocket["Service"],
  text: string,
  network: Network = networks.devnet
): Effect.Effect<CountingNode, never, Scope.Scope> => {
  const counts = { ups: 0, downs: 0, refused: 0, dialsFailed: 0 }
  const reasons: Record<string, number> = {}
  const bump = (reason: DisconnectReason.DisconnectReason) => {
    const label = DisconnectReason.label(reason)
    reasons[label] = (reasons[label] ?? 0) + 1
  }
  const ip = Result.getOrThrow(PeerIp.fromString(text))
  const started = TestNode.start(sockets, {
    ip,
    listen: { ip, port: 0 },
    network,
    tuning,
    record: false,
    onEvent: (event) => {
      switch (event._tag) {
        case "Up":
          counts.ups += 1
          return
        case "Down":
          counts.downs += 1
          return bump(event.reason)
        case "Refused":
          counts.refused += 1
          return bump(event.reason)
        case "DialFailed":
          counts.dialsFailed += 1
      }
    }
  })
  // Its peers come and go far more often than any peer may.
  const unlimited = Effect.provideService(started, NodeRules, { ...protocolRules, limitsInbound: false })
  return Effect.map(Effect.orDie(unlimited), (node) => ({ ...node, counts, reasons }))
}

export const isUp = (a: TestNode.TestNode, b: TestNode.TestNode): boolean =>
  a.sockets.has(b.ip) && a.sockets.get(b.ip) === b.sockets.get(a.ip)
