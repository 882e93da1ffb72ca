/** `NodeEvents`: counts each event, then calls the synchronous listeners, then publishes to streams. */
import { Clock, Effect, Layer } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { NodeEvent } from "../../domain/NodeEvent.ts"
import { NodeEvents } from "../../services/NodeEvents.ts"
import * as Feed from "../time/Feed.ts"
import { EventTotals } from "./EventTotals.ts"

const make = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const feed = yield* Feed.make<NodeEvent>(Limits.eventBuffer)
  const listeners = new Set<(event: NodeEvent) => void>()
  const totals = new EventTotals()
  const runFork = Effect.runForkWith(yield* Effect.context<never>())

  const notify = (listener: (event: NodeEvent) => void, event: NodeEvent) => {
    try {
      listener(event)
    } catch (defect) {
      runFork(Effect.logError("a listener of node events failed", defect))
    }
  }
  return NodeEvents.of({
    stream: feed.stream,
    listen: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          listeners.add(listener)
        }),
        () =>
          Effect.sync(() => {
            listeners.delete(listener)
          })
      ),
    stats: Effect.sync(() => totals.snapshot()),
    emit: (untimed) => {
      const event = untimed as NodeEvent & { at: number }
      event.at = clock.currentTimeMillisUnsafe()
      totals.count(event)
      for (const listener of listeners) notify(listener, event)
      feed.publish(event)
    }
  })
})

/** A function, so that two nodes never share a layer. */
export const layer = (): Layer.Layer<NodeEvents> => Layer.effect(NodeEvents, make)
