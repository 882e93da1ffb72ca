/** What explains that a pair's connection goes down: one Down at each end for each span of a fault that breaks it. */
import type { Disturbance } from "../plan/Disturbance.ts"
import * as SimulationLimits from "../plan/Limits.ts"

/** An end of the pair: the node with the lower number, or the other. */
export type End = "a" | "b"

interface Excuse {
  readonly fault: number
  fromMs: number
  toMs: number
  readonly noticeMs: number
  readonly left: Set<End>
}

/** A Down, with what can excuse it. All times in ms since the simulation began. */
export interface Fallen {
  readonly atMs: number
  /** When the connection came up at this end. */
  readonly upAtMs: number
  readonly end: End
  /** Evicted for silence: that takes as long as silence is tolerated. */
  readonly silent: boolean
  /** Until when something kept the pair apart, so that news of a Down may be late. */
  readonly apartUntilMs: number
}

/** ms. An excuse this old explains nothing, whatever delays the news. */
const oldMs = 10 * SimulationLimits.silentNoticeMs

export class Excuses {
  private excuses: ReadonlyArray<Excuse> = []

  /** A fault begins. */
  add(fault: number, { breaks, noticeMs }: Disturbance, a: number, b: number, nowMs: number): void {
    const made = breaks(a, b).map(([fromMs, toMs]): Excuse => ({
      fault,
      fromMs,
      toMs,
      noticeMs,
      left: new Set(["a", "b"])
    }))
    if (made.length === 0) return
    this.excuses = [...this.excuses.filter(({ left, toMs }) => left.size > 0 && nowMs < toMs + oldMs), ...made]
  }

  /** A fault ends, possibly earlier than planned. */
  end(fault: number, nowMs: number): void {
    for (const excuse of this.excuses) {
      if (excuse.fault !== fault) continue
      excuse.fromMs = Math.min(excuse.fromMs, nowMs)
      excuse.toMs = Math.min(excuse.toMs, nowMs)
    }
  }

  /** Whether something explains the Down. Each excuse explains one Down per end. */
  take({ apartUntilMs, atMs, end, silent, upAtMs }: Fallen): boolean {
    let found: Excuse | undefined
    for (const excuse of this.excuses) {
      const overMs = Math.max(excuse.toMs, Math.min(apartUntilMs, atMs))
      const untilMs = overMs + (silent ? SimulationLimits.silentNoticeMs : excuse.noticeMs)
      const fits = excuse.left.has(end) && excuse.fromMs <= atMs && atMs < untilMs && upAtMs <= overMs
      if (fits && (found === undefined || excuse.toMs < found.toMs)) found = excuse
    }
    return found?.left.delete(end) ?? false
  }
}
