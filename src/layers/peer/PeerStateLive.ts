/** `PeerState` from the peer table: snapshots, changes, and the answer to "why". */
import { Effect, Layer, Option } from "effect"
import { addressProblem } from "../../domain/NodeSetup.ts"
import * as Pair from "../../domain/pair/Pair.ts"
import * as Explanation from "../../domain/peer/Explanation.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { PeerRecord } from "../../domain/peer/PeerRecord.ts"
import type * as Situation from "../../domain/peer/Situation.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { PeerState } from "../../services/PeerState.ts"
import type { Peer } from "./Peer.ts"
import { PeerTable } from "./PeerTable.ts"

const make = Effect.gen(function*() {
  const table = yield* PeerTable
  const setup = yield* NodeConfig
  const sorted = (which: (peer: Peer) => boolean): ReadonlyArray<Peer> =>
    [...table.peers()].filter(which).toSorted((a, b) => a.sortKey < b.sortKey ? -1 : 1)
  const records = (which: (peer: Peer) => boolean) => Effect.sync(() => sorted(which).map(table.record))
  const recordOf = (ip: PeerIp): PeerRecord | undefined => {
    const peer = table.get(ip)
    return peer === undefined ? undefined : table.record(peer)
  }

  /** How many connections are up, and at which address the peers see this node: nothing proves it, so most of them must say it. */
  const whole = (): { readonly ups: number; readonly seen: PeerIp | undefined } => {
    const named = new Map<PeerIp, number>()
    let ups = 0
    for (const { pair, up } of table.peers()) {
      const self = up === undefined ? undefined : Pair.known(pair, up.end.id)?.self
      if (self === undefined) continue
      ups += 1
      named.set(self, (named.get(self) ?? 0) + 1)
    }
    const [most] = [...named].toSorted(([, a], [, b]) => b - a)
    return { ups, seen: most !== undefined && 2 * most[1] > ups ? most[0] : undefined }
  }

  const explain = (
    ip: PeerIp,
    record: PeerRecord | undefined,
    { seen, ups }: ReturnType<typeof whole>,
    now: number,
    clockBehindS: number | undefined
  ): Explanation.Explanation => {
    const { maxPeers } = setup.tuning
    const facts: Situation.Facts = {
      impossible: addressProblem(ip),
      own: table.own.how(ip) ?? (table.get(ip)?.book.isSelf === true ? "dialled" : seen === ip ? "seen" : undefined),
      movedTo: table.moved.get(ip),
      isIsolated: table.isolated.has(ip),
      isInBook: table.isInBook(ip),
      full: ups >= maxPeers ? maxPeers : undefined,
      familyMissing: table.own.lacksFamily(ip),
      isAlone: ups === 0,
      clockBehindS
    }
    return Explanation.explain(ip, record, facts, setup.network.port, now)
  }

  return PeerState.of({
    peers: records(() => true),
    peer: (ip) => Effect.sync(() => Option.fromUndefinedOr(recordOf(ip))),
    connected: records((peer) => peer.up !== undefined),
    changes: table.changes,
    // By the node's own clock, as the times in its rows, not the caller's.
    why: (ip, clockBehindS) => Effect.sync(() => explain(ip, recordOf(ip), whole(), table.nowMs(), clockBehindS)),
    explained: (clockBehindS = () => undefined) =>
      Effect.sync(() => {
        const [node, now] = [whole(), table.nowMs()]
        return sorted(() => true).map((peer) => explain(peer.ip, table.record(peer), node, now, clockBehindS(peer.ip)))
      })
  })
})

/** A function, so that two nodes never share one. */
export const layer = (): Layer.Layer<PeerState, never, PeerTable | NodeConfig> => Layer.effect(PeerState, make)
