/**
 * The node's events and totals. Logs, metrics, the admin API and embedders read them; only the node's own layers emit.
 *
 * **Shapes**: `NodeEvent` is plain data. **Ordering**: the order in which things happened in this node. **Concurrency**:
 * `emit` is synchronous and never fails; a listener that throws is logged and does not disturb the others.
 */
import type { Effect, Scope, Stream } from "effect"
import { Context } from "effect"
import type { NodeEvent, NodeStats } from "../domain/NodeEvent.ts"

/** An event without its time, which `emit` adds. */
export type Untimed = NodeEvent extends infer E ? E extends { readonly at: number } ? Omit<E, "at"> : never : never

export class NodeEvents extends Context.Service<NodeEvents, {
  /** Events from now on. A reader that falls more than `Limits.eventBuffer` behind loses the oldest. */
  readonly stream: Stream.Stream<NodeEvent>
  /** Calls `listener` synchronously for every event until the scope closes. Keep it short: it runs inside the node. */
  readonly listen: (listener: (event: NodeEvent) => void) => Effect.Effect<void, never, Scope.Scope>
  readonly stats: Effect.Effect<NodeStats>
  /**
   * For the node's layers. A plain function, because it is called from within batches. Stamps the wall time on the given object, which the
   * events own from then on.
   */
  readonly emit: (event: Untimed) => void
}>()("timemesh/services/NodeEvents") {}
