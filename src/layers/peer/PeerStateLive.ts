/** `PeerState` from the peer table: snapshots, changes, and the answer to "why". */
import { Clock, Effect, Layer, Option, Stream } from "effect"
import * as DisconnectReason from "../../domain/DisconnectReason.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import type { Explanation, PeerRecord } from "../../domain/peer/PeerRecord.ts"
import { NodeConfig } from "../../services/NodeConfig.ts"
import { PeerState } from "../../services/PeerState.ts"
import type { Peer } from "./Peer.ts"
import { PeerTable } from "./PeerTable.ts"

const seconds = (ms: number) => `${(Math.max(0, ms) / 1_000).toFixed(1)} s`

const lastWords = (record: PeerRecord, now: number): string => {
  if (record.last === undefined) return "no attempt has ended yet"
  const { at, reason, wasUp } = record.last
  const what = wasUp ? "the last connection ended" : "the last attempt ended"
  const detail = reason.detail === undefined ? "" : `, ${reason.detail}`
  return `${what} ${seconds(now - at)} ago: ${DisconnectReason.label(reason)} (${reason.by}${detail})`
}

const dialler = { us: "we are", them: "the peer is", either: "either side is", nobody: "neither side is" }

const sentence = (record: PeerRecord, now: number): Omit<Explanation, "ip" | "record"> => {
  const { connection } = record
  if (connection !== undefined) {
    return {
      state: "connected",
      text: `Connected for ${seconds(now - connection.since)}, ${connection.direction}, socket ${connection.socket}, ` +
        `our end is the ${connection.role}.`
    }
  }
  if (record.aliasOf !== undefined) {
    return {
      state: "alias",
      text: `The same process is connected as ${record.aliasOf}; no second connection while that one is up.`
    }
  }
  if (record.expected === "nobody") {
    return { state: "own-address", text: "This is an address of this node itself: a peer is its IP; use another." }
  }
  const next = record.nextAttemptAt === undefined
    ? record.expected === "them" ? "no dial of ours is planned" : "nothing is planned"
    : `our next attempt is in ${seconds(record.nextAttemptAt - now)}`
  const expected = `${dialler[record.expected]} expected to dial`
  return {
    state: record.attempts > 0 ? "connecting" : "waiting",
    text: `Not connected: ${record.attempts > 0 ? `${record.attempts} attempt(s) under way; ` : ""}${expected}, ` +
      `${next}; ${lastWords(record, now)}.`
  }
}

const make = Effect.gen(function*() {
  const table = yield* PeerTable
  const setup = yield* NodeConfig
  const records = (which: (peer: Peer) => boolean) =>
    Effect.sync(() =>
      [...table.peers()].filter(which).toSorted((a, b) => a.sortKey < b.sortKey ? -1 : 1).map(table.record)
    )
  const recordOf = (ip: PeerIp) => {
    const peer = table.get(ip)
    return peer === undefined ? undefined : table.record(peer)
  }
  const own = (ip: PeerIp) => ip === setup.listen.ip || ip === setup.advertise
  return PeerState.of({
    peers: records(() => true),
    peer: (ip) => Effect.sync(() => Option.fromUndefinedOr(recordOf(ip))),
    connected: records((peer) => peer.up !== undefined),
    changes: Stream.fromPubSub(table.changes),
    why: (ip) =>
      Effect.map(Clock.currentTimeMillis, (now): Explanation => {
        const record = recordOf(ip)
        if (record !== undefined) return { ip, record, ...sentence(record, now) }
        return own(ip)
          ? { ip, record, state: "own-address", text: "This is this node's own address." }
          : {
            ip,
            record,
            state: "unknown",
            text:
              "This address is not known: it is not configured, no peer has told of it, and no connection came from it."
          }
      })
  })
})

/** A function, so that two nodes never share one. */
export const layer = (): Layer.Layer<PeerState, never, PeerTable | NodeConfig> => Layer.effect(PeerState, make)
