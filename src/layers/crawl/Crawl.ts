/**
 * Walks the network from some nodes on: each address is asked once (`Probe`), and whom it names is asked in turn, nearest first. Bounded in pace, in
 * how many are asked at once and in all.
 */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { Network } from "../../domain/Network.ts"
import { addressProblem } from "../../domain/NodeSetup.ts"
import type * as PeerAddress from "../../domain/peer/PeerAddress.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { PeerSocket } from "../../services/PeerSocket.ts"
import { type Finding, probe } from "./Probe.ts"

export interface Options {
  readonly network: Network
  readonly software: string
  /** Where it begins. */
  readonly from: ReadonlyArray<PeerAddress.PeerAddress>
  /** Addresses that are asked at most. */
  readonly most: number
  /** Dials a second. */
  readonly perSecond: number
}

export interface Report {
  /** In the order of the IPs. */
  readonly nodes: ReadonlyArray<Finding>
  /** Addresses that were named and not asked, because `most` had been. */
  readonly left: number
}

/** `tell` hears of each node as it was asked. */
export const run = Effect.fnUntraced(function*(
  sockets: PeerSocket["Service"],
  options: Options,
  tell: (finding: Finding) => Effect.Effect<void> = () => Effect.void
): Effect.fn.Return<Report> {
  const { from, most, perSecond } = options
  const known = new Set<PeerIp.PeerIp>()
  const waiting: Array<PeerAddress.PeerAddress> = []
  // Those that were asked name this host as well.
  const own = new Set(sockets.addresses())
  const left = new Set<PeerIp.PeerIp>()
  const learn = (at: PeerAddress.PeerAddress) => {
    if (own.has(at.ip) || known.has(at.ip) || at.port === 0 || addressProblem(at.ip) !== undefined) return
    if (known.size >= most) {
      if (left.size < Limits.crawlMost) left.add(at.ip)
      return
    }
    known.add(at.ip)
    waiting.push(at)
  }
  for (const at of from) learn(at)
  const nodes: Array<Finding> = []
  while (waiting.length > 0) {
    const batch = waiting.splice(0, Limits.crawlAtOnce)
    const found = yield* Effect.forEach(
      batch,
      (at, i) => Effect.delay(probe(sockets, options, at), Math.ceil((i + 1) * 1_000 / perSecond)),
      { concurrency: "unbounded" }
    )
    for (const finding of found) {
      nodes.push(finding)
      yield* tell(finding)
      const nearby = PeerIp.classOf(finding.ip)
      for (const peer of finding.peers) if (PeerIp.isOfUse(PeerIp.classOf(peer.ip), nearby)) learn(peer)
    }
  }
  return { nodes: nodes.toSorted((a, b) => PeerIp.compare(a.ip, b.ip)), left: left.size }
})
