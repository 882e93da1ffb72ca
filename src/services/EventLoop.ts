/**
 * What a node uses of the event loop. A reference that defaults to the platform's own loop, so that a simulation can put its virtual one in
 * its place. Nothing a node does then depends on real time or on the order of real callbacks.
 */
import { Clock, Context } from "effect"

export interface EventLoop {
  /** Runs `f` once the current code has returned, before any timer, socket or other fiber gets its turn. */
  readonly afterTurn: (f: () => void) => void
  /**
   * Time that always advances. Bounds what must end even where a test stops the node's own clock (`TestClock`).
   */
  readonly ownClock: Clock.Clock
}

export const EventLoop: Context.Reference<EventLoop> = Context.Reference("timemesh/services/EventLoop", {
  defaultValue: (): EventLoop => ({ afterTurn: queueMicrotask, ownClock: Clock.Clock.defaultValue() })
})
