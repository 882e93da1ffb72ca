/**
 * The one table of peers, keyed by canonical IP, at most `Limits.knownPeers` rows.
 *
 * A service of the layers only: it is written by the connection manager's synchronous steps and read through `PeerState`.
 */
import { Context, Effect, Layer, PubSub } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { PeerSource } from "../../domain/NodeEvent.ts"
import type * as PeerIp from "../../domain/peer/PeerIp.ts"
import type { PeerRecord } from "../../domain/peer/PeerRecord.ts"
import { PeerRow } from "./Peer.ts"

export class PeerTable extends Context.Service<PeerTable, {
  readonly get: (ip: PeerIp.PeerIp) => PeerRow | undefined
  /** A new row; `undefined` when the table is full. The address must not be in the table. */
  readonly add: (ip: PeerIp.PeerIp, port: number | undefined, source: PeerSource) => PeerRow | undefined
  readonly remove: (row: PeerRow) => void
  /** Every row, in order of first mention. Do not change the table while iterating. */
  readonly rows: () => Iterable<PeerRow>
  /** The row changed: tell whoever watches. */
  readonly changed: (row: PeerRow) => void
  readonly changes: PubSub.PubSub<PeerRecord>
}>()("timemesh/layers/peer/PeerTable") {}

const make = Effect.gen(function*() {
  const rows = new Map<PeerIp.PeerIp, PeerRow>()
  const changes = yield* PubSub.sliding<PeerRecord>(Limits.eventBuffer)
  yield* Effect.addFinalizer(() => PubSub.shutdown(changes))
  return PeerTable.of({
    get: (ip) => rows.get(ip),
    add: (ip, port, source) => {
      if (rows.size >= Limits.knownPeers) return undefined
      const row = new PeerRow(ip, port, source)
      rows.set(ip, row)
      return row
    },
    remove: (row) => {
      rows.delete(row.ip)
    },
    rows: () => rows.values(),
    changed: (row) => {
      PubSub.publishUnsafe(changes, row.record())
    },
    changes
  })
})

/** A function, so that two nodes never share a table. */
export const layer = (): Layer.Layer<PeerTable> => Layer.effect(PeerTable, make)
