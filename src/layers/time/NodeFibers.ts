/** The fibers of one node that callbacks start: one set, which ends with the node. A service of the layers only. */
import { Context, Effect, type Fiber, FiberSet, Layer } from "effect"

export class NodeFibers extends Context.Service<NodeFibers, {
  /** Starts an effect that ends with the node at the latest. */
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
}>()("timemesh/layers/time/NodeFibers") {}

/** A function, so that two nodes never share one. */
export const layer = (): Layer.Layer<NodeFibers> =>
  Layer.effect(
    NodeFibers,
    Effect.map(FiberSet.makeRuntime<never>(), (run) => NodeFibers.of({ fork: (effect) => run(effect) }))
  )
