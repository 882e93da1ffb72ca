/**
 * What a node uses of the event loop under it. A reference with the platform's own loop as its default, so that a simulation
 * can put its virtual one in its place: nothing a node does then depends on real time or on the order of real callbacks.
 */
import { Clock, Context } from "effect"

export interface EventLoop {
  /** Runs `f` once the code that runs now has returned, before any timer, socket or other fiber gets its turn. */
  readonly afterTurn: (f: () => void) => void
  /**
   * Time that passes by itself. Bounds what must end even where a test moves the node's own clock (`TestClock`) and it
   * stands still.
   */
  readonly ownClock: Clock.Clock
}

export const EventLoop: Context.Reference<EventLoop> = Context.Reference("timemesh/services/EventLoop", {
  defaultValue: (): EventLoop => ({ afterTurn: queueMicrotask, ownClock: Clock.Clock.defaultValue() })
})
