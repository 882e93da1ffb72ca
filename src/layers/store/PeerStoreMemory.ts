/** A `PeerStore` whose content is lost with its layer: for tests and for embedders without a disk. */
import { Effect, Layer } from "effect"
import type { Placed } from "../../domain/peer/KnownAddress.ts"
import type { PeerIp } from "../../domain/peer/PeerIp.ts"
import { PeerStore, type StoredOffender, type StoredPeers } from "../../services/PeerStore.ts"

/** The content of an empty store. */
export const nothing: StoredPeers = { key: undefined, book: [], anchors: [], bans: [], offenders: [] }

/** A store in memory that outlives its users. */
export const make = (initial: StoredPeers = nothing): PeerStore["Service"] => {
  const book = new Map<PeerIp, Placed>(initial.book.map((placed) => [placed.known.ip, placed]))
  const offenders = new Map<PeerIp, StoredOffender>(initial.offenders.map((offender) => [offender.ip, offender]))
  let { anchors, bans, key } = initial
  return PeerStore.of({
    load: Effect.sync(() => ({ key, book: [...book.values()], anchors, bans, offenders: [...offenders.values()] })),
    save: (peers) =>
      Effect.sync(() => {
        for (const placed of peers.changed) book.set(placed.known.ip, placed)
        for (const ip of peers.removed) book.delete(ip)
        key = peers.key
        anchors = peers.anchors
        bans = peers.bans ?? bans
        for (const offender of peers.offenders) offenders.set(offender.ip, offender)
        for (const ip of peers.forgotten) offenders.delete(ip)
      })
  })
}

/** A function, so that two nodes never share one. `initial`: what the first `load` returns. */
export const layer = (initial: StoredPeers = nothing): Layer.Layer<PeerStore> =>
  Layer.sync(PeerStore, () => make(initial))
