/** `PeerPins` that last as long as their layer. */
import { Effect, Layer } from "effect"
import { PinTable } from "../../domain/peer/PinTable.ts"
import { PeerPins } from "../../services/PeerPins.ts"
import { pinning } from "./pinning.ts"

/** A function, so that two nodes never share pins. */
export const layer = (): Layer.Layer<PeerPins> => Layer.effect(PeerPins, Effect.suspend(() => pinning(new PinTable())))
