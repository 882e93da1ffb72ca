/** Answers of a node with many peers, for a page that is given them in place of the node's own. */
import type { Peers } from "../../src/layers/http/PeerApi.ts"
import * as sample from "../web/sample.ts"

/** Without round trips: their line has another point after each answer. */
const { rtt: _rtt, ...still } = sample.connection()

/** The node's answer to `peers` as one of a node with so many would be; `change` is what differs from the answer before. */
export const crowd = (many: number) => {
  let answers = 0
  return (change: (peers: Peers["peers"], answer: number) => Peers["peers"]): Peers => {
    answers += 1
    const all = Array.from({ length: many }, (_, i) =>
      sample.peer(`10.${i >> 8}.${i & 255}.7`, {
        connection: { ...still, direction: i % 2 === 0 ? "inbound" : "outbound" },
        tip: { height: 40, hash: "ab" },
        software: "timemesh/0.1.0"
      }))
    return sample.peers(change(all, answers), sample.at + answers * 2_000)
  }
}
