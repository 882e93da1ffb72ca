/**
 * Crawls the network from some starting nodes: asks each address once (`Probe`), then the peers it lists, breadth first. The pace, the
 * concurrent probes and the total are bounded.
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
  /** The starting addresses. */
  readonly from: ReadonlyArray<PeerAddress.PeerAddress>
  /** Maximum number of addresses to probe. */
  readonly most: number
  /** Dials per second. */
  readonly perSecond: number
}

export interface Report {
  /** Ordered by IP. */
  readonly nodes: ReadonlyArray<Finding>
  /** Addresses that were learned but not probed, because `most` was reached. */
  readonly left: number
}

/** `tell` is called with each node's finding, after its batch. */
export const run = Effect.fnUntraced(function*(
  sockets: PeerSocket["Service"],
  options: Options,
  tell: (finding: Finding) => Effect.Effect<void> = () => Effect.void
): Effect.fn.Return<Report> {
  const { from, most, perSecond } = options
  const known = new Set<PeerIp.PeerIp>()
  const waiting: Array<PeerAddress.PeerAddress> = []
  // The probed nodes also list this host.
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
