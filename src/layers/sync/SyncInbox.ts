/**
 * What peers say of the chain, handled in the order it came and for a few milliseconds at a time: thousands of blocks can
 * come at once, and pings must not wait until all of them are checked.
 */
import { Effect } from "effect"
import * as Limits from "../../domain/Limits.ts"
import type { SyncCore } from "./SyncContext.ts"

export interface SyncInbox {
  /** At once if nothing waits, else later. */
  readonly push: (task: () => void) => void
}

/** On the clock and the fibers of sync. */
export const make = ({ fork, wheel: { now } }: Pick<SyncCore, "fork" | "wheel">): SyncInbox => {
  const waiting: Array<() => void> = []
  let next = 0
  let spentMs = 0
  let resting = false

  const drain = (): void => {
    while (next < waiting.length) {
      if (spentMs >= Limits.syncTurnMs) {
        resting = true
        fork(rest)
        return
      }
      const before = now()
      waiting[next++]?.()
      spentMs += now() - before
    }
    waiting.length = 0
    next = 0
  }

  const rest = Effect.andThen(
    Effect.yieldNow,
    Effect.sync(() => {
      resting = false
      spentMs = 0
      drain()
    })
  )

  return {
    push: (task) => {
      waiting.push(task)
      if (!resting && waiting.length - next === 1) drain()
    }
  }
}
