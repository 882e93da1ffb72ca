/** A `PeerStore` that forgets with its layer: for tests and for embedders without a disk. */
import { Effect, Layer, Ref } from "effect"
import type { PeerAddress } from "../../domain/peer/PeerAddress.ts"
import { PeerStore } from "../../services/PeerStore.ts"

/** A function, so that two nodes never share one. `initial`: what the first `load` gives. */
export const layer = (initial: ReadonlyArray<PeerAddress> = []): Layer.Layer<PeerStore> =>
  Layer.effect(
    PeerStore,
    Effect.map(Ref.make(initial), (stored) => ({
      load: Ref.get(stored),
      save: (addresses: ReadonlyArray<PeerAddress>) => Ref.set(stored, addresses)
    }))
  )
