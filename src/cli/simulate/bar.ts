/** Progress of a simulation on a terminal. Pure except for the line that it draws on. */
import type { Clock } from "effect"
import * as Limits from "../../domain/Limits.ts"
import { monotonicOf } from "../../layers/time/monotonicMs.ts"
import type { Fault } from "../../simulation/plan/Fault.ts"
import type * as Shrink from "../../simulation/plan/Shrink.ts"
import * as SimulationText from "../../simulation/plan/SimulationText.ts"
import type { ProgressLine } from "../progress.ts"
import { duration } from "../table.ts"

const cells = 20

const filled = (part: number): string => {
  const full = Math.floor(Math.min(1, part) * cells)
  return `[${"#".repeat(full)}${".".repeat(cells - full)}]`
}

/** Limits how often a text is drawn: a thousand calls per second cost almost nothing. */
export const seldom = (line: ProgressLine, clock: Clock.Clock): (text: () => string) => void => {
  const monotonic = monotonicOf(clock)
  let next = Number.NEGATIVE_INFINITY
  return (text) => {
    const now = monotonic()
    if (now < next) return
    next = now + Limits.progressBarMs
    line.show(text().slice(0, Math.max(0, line.width())))
  }
}

const plain = (ms: number): string => SimulationText.moment(ms).replace(/\.\d+$/, "")

/** `[####....] 20 % 0:12:03 of 1:00:00, 12 faults, 250 times as fast, 12 s left`. `plan`: the planned faults. */
export const running = (
  plan: ReadonlyArray<Fault>,
  virtualMs: number,
  wholeMs: number,
  wallMs: number
): string => {
  const faults = plan.filter(({ atMs }) => atMs <= virtualMs).length
  const speed = wallMs > 0 ? virtualMs / wallMs : 0
  const left = speed > 0 ? `, ${duration((wholeMs - virtualMs) / speed)} left` : ""
  return `${filled(virtualMs / wholeMs)} ${Math.floor(virtualMs / wholeMs * 100)} % ${plain(virtualMs)} of ${
    plain(wholeMs)
  }, ${faults} faults, ${Math.round(speed)} times as fast${left}`
}

/** Progress of the search for a shorter failure. */
export const shrinking = ({ best, left, plan, runs }: Shrink.Shrink): string =>
  `shrinking: ${best.faults.length} of ${plan.length} faults, ${best.nodes.length} nodes, until ${
    plain(best.untilMs)
  }; ` +
  `${runs} runs, at most ${left} more`

export const seeds = (done: number, all: number, failed: number, wallMs: number): string =>
  `${filled(done / all)} ${done} of ${all} seeds, ${failed} failed${
    done === 0 ? "" : `, ${duration(wallMs / done * (all - done))} left`
  }`
