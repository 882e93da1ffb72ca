/** The fibers that callbacks of one node start: one set, which ends with the node. Internal to the layers. */
import { Context, Effect, type Fiber, FiberSet, Layer } from "effect"

export class NodeFibers extends Context.Service<NodeFibers, {
  /** Starts an effect that ends with the node at the latest. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}>()("timemesh/layers/time/NodeFibers") {}

/** A function, so that two nodes never share a layer. */
export const layer = (): Layer.Layer<NodeFibers> =>
  Layer.effect(
    NodeFibers,
    Effect.map(FiberSet.makeRuntime<never>(), (run) => NodeFibers.of({ fork: (effect) => run(effect) }))
  )
