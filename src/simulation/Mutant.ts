/**
 * Deliberate defects of a node, to show that the simulator finds them: `timemesh simulate --mutant` and test/simulation. Each is one wrong
 * rule in the place of the node's own (`services/NodeRules`).
 */
import * as Handshake from "../domain/pair/Handshake.ts"
import * as Pair from "../domain/pair/Pair.ts"
import * as PairRules from "../domain/pair/PairRules.ts"
import type { PeerIp } from "../domain/peer/PeerIp.ts"
import { type NodeRules, protocolRules } from "../services/NodeRules.ts"

export type Mutant =
  /** Of two challengers the deciding peer keeps the older one. */
  | "keep-oldest"
  /** Closing a node leaves its timer set. */
  | "timer-left"
  /** Addresses are ordered as text: 10.0.0.10 before 10.0.0.2. */
  | "ip-as-text"
  /** A ping is not answered while anything waits in the outbox. */
  | "pong-dropped"
  /** Numbers of connections begin again after a few. */
  | "id-reused"
  /** A Hello with another genesis is accepted. */
  | "genesis-unchecked"

export const mutants: ReadonlyArray<Mutant> = [
  "keep-oldest",
  "timer-left",
  "ip-as-text",
  "pong-dropped",
  "id-reused",
  "genesis-unchecked"
]

const rankAsText = (local: PeerIp, peer: PeerIp): "lower" | "higher" => local < peer ? "lower" : "higher"

const wrong: Readonly<Record<Mutant, Partial<NodeRules>>> = {
  "keep-oldest": { pairStep: Pair.make({ ...PairRules.production, keep: "oldest" }) },
  "timer-left": { cancelsAlarm: false },
  "ip-as-text": {
    rank: rankAsText,
    checkHello: (hello, context) => {
      const verdict = Handshake.check(hello, context)
      return verdict._tag === "Accepted" ? { ...verdict, role: rankAsText(verdict.self, context.remote) } : verdict
    }
  },
  "pong-dropped": { answersPing: (queuedBytes) => queuedBytes === 0 },
  "id-reused": { endId: (n) => 1 + n % 32 },
  "genesis-unchecked": {
    checkHello: (hello, context) =>
      Handshake.check(hello, { ...context, local: { ...context.local, genesis: hello.genesis } })
  }
}

/** The rules of a node with that defect. */
export const rulesOf = (mutant: Mutant | undefined): NodeRules =>
  mutant === undefined ? protocolRules : { ...protocolRules, ...wrong[mutant] }
