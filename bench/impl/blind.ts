/**
 * timemesh without what it observes of itself: no messages by type, no flight recorder, no totals, no hub of events. What `timemesh` costs beyond this column
 * is the price of all of them. The node has no such switch: its parts are replaced here, before the first node is made.
 */
import { Effect } from "effect"
import { FlightRecorder } from "../../src/layers/peer/FlightRecorder.ts"
import { TypeCounts } from "../../src/layers/peer/MessageTally.ts"
import { NodeEvents } from "../../src/services/NodeEvents.ts"

TypeCounts.prototype.add = () => {}
FlightRecorder.prototype.record = () => {}

/** Only listeners receive events; the benchmark itself listens for Ups. */
const blind = (service: NodeEvents["Service"]): NodeEvents["Service"] => {
  const listeners = new Set<Parameters<NodeEvents["Service"]["listen"]>[0]>()
  return {
    ...service,
    listen: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => listeners.add(listener)),
        () => Effect.sync(() => listeners.delete(listener))
      ),
    emit: (event) => {
      for (const listener of listeners) listener(event as Parameters<typeof listener>[0])
    }
  }
}
Object.defineProperty(NodeEvents, "of", { value: blind })

export { implementation } from "./timemesh.ts"
