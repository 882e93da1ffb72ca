/** `PeerPins` that last as long as their layer. */
import { Effect, Layer } from "effect"
import * as Pins from "../../domain/peer/Pins.ts"
import { PeerPins } from "../../services/PeerPins.ts"
import { pinning } from "./pinning.ts"

/** A function, so that two nodes never share pins. */
export const layer = (): Layer.Layer<PeerPins> =>
  Layer.effect(PeerPins, Effect.map(pinning(Pins.none), ({ service }) => service))
