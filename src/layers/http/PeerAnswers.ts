/** Converts the node's reports of one peer to the API's shape. */
import { Effect, Option } from "effect"
import * as Limits from "../../domain/Limits.ts"
import * as PairPast from "../../domain/pair/PairPast.ts"
import type { Explanation } from "../../domain/peer/Explanation.ts"
import * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { PeerRecord } from "../../domain/peer/PeerRecord.ts"
import { PeerState } from "../../services/PeerState.ts"
import type { SyncPeerReport } from "../../services/Sync.ts"
import { syncReport } from "./optionalReports.ts"
import { BadAddress } from "./PeerApi.ts"
import type { Peer, Why } from "./PeerApi.ts"
import { present } from "./present.ts"

/** Parses the address in a request. */
export const readIp = (text: string) =>
  Effect.mapError(Effect.fromResult(PeerIp.fromString(text)), (error) => new BadAddress({ message: error.message }))

/** How sync uses the peer. */
export const syncOf = ({ blocks, height, use }: SyncPeerReport): NonNullable<Peer["sync"]> => ({ height, blocks, use })

const rttOf = ({ lastMs, leastMs, smoothedMs }: NonNullable<NonNullable<PeerRecord["connection"]>["rtt"]>) => ({
  smoothedMs: Math.round(smoothedMs),
  leastMs: Math.round(leastMs),
  lastMs: Math.round(lastMs),
  smoothedMicros: Math.round(smoothedMs * 1_000)
})

/** One row of the peer table. */
export const rowOf = (record: PeerRecord): Peer => {
  const { connection } = record
  if (connection === undefined) return { ...record, connection }
  return {
    ...record,
    connection: { ...connection, rtt: connection.rtt === undefined ? undefined : rttOf(connection.rtt) }
  }
}

const whyOf = ({ cause, fix, ip, offences, record, situation, state, text }: Explanation): Why => ({
  ip,
  state,
  situation,
  cause,
  fix,
  text,
  record: record === undefined ? undefined : rowOf(record),
  offences: offences?.map((offence) => ({ ...offence, agoMs: Math.round(offence.agoMs) }))
})

/** Reads sync's report of each peer, and explains one peer with its past. */
export const make = Effect.gen(function*() {
  const state = yield* PeerState
  const report = yield* syncReport
  const syncPeers = Effect.map(report, (found) =>
    new Map(
      Option.match(found, { onNone: () => [], onSome: ({ peers }) => peers }).map((peer) => [peer.ip, peer] as const)
    ))
  const why = (ip: PeerIp.PeerIp) =>
    Effect.flatMap(
      syncPeers,
      (peers) =>
        Effect.zipWith(
          state.why(ip, peers.get(ip)?.clockBehindS),
          state.trace(ip),
          (why, trace) =>
            present({
              ...whyOf(why),
              past: Option.getOrUndefined(Option.map(trace, (kept) => PairPast.of(kept, Limits.pastShown)))
            })
        )
    )
  return { syncPeers, why }
})
