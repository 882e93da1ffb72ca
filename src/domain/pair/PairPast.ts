/** The Ups, Downs and failed attempts of a pair, read from its trace. Pure. */
import type { DisconnectReason } from "../DisconnectReason.ts"
import * as Disconnect from "../DisconnectReason.ts"
import type { EndId, PairState } from "./PairState.ts"
import type { PairTrace, Step } from "./PairTrace.ts"

/** One Up, Down or failed attempt. `at`: wall time, ms. */
export interface Past {
  readonly at: number
  readonly what: "up" | "down" | "attempt"
  /** The end, by its number in the log. */
  readonly connection: EndId
  readonly direction: "inbound" | "outbound"
  /** Why it ended, for a Down or a failed attempt. */
  readonly reason: DisconnectReason | undefined
  /** ms for which it was up: for a Down whose Up is still kept. */
  readonly upMs: number | undefined
}

const directionOf = (states: ReadonlyArray<PairState>, id: EndId): Past["direction"] =>
  states.some(({ ends }) => ends.some((end) => end.id === id && end.dir === "out")) ? "outbound" : "inbound"

/** Why an end left the state in this step. */
const reasonOf = ({ actions, event }: Step, id: EndId): DisconnectReason | undefined => {
  for (const action of actions) if (action._tag === "Close" && action.end === id) return action.reason
  if (event._tag === "DialFailed" && event.end === id) return Disconnect.remote("dial-failed", event.detail)
  return event._tag === "Closed" && event.end === id ? event.reason : undefined
}

/** The latest `most` entries, oldest first. */
export const of = (trace: PairTrace, most: number): ReadonlyArray<Past> => {
  const past: Array<Past> = []
  const upAt = new Map<EndId, number>()
  for (const step of trace.steps) {
    const { actions, after, at, before } = step
    const entry = (what: Past["what"], connection: EndId, reason: Past["reason"], upMs?: number): void => {
      const direction = directionOf([before, after], connection)
      past.push({
        at: Math.round(at),
        what,
        connection,
        direction,
        reason,
        upMs: upMs === undefined ? undefined : Math.round(upMs)
      })
    }
    for (const action of actions) {
      if (action._tag === "Up") {
        upAt.set(action.end, at)
        entry("up", action.end, undefined)
      } else if (action._tag === "Down") {
        const since = upAt.get(action.end)
        entry("down", action.end, action.reason, since === undefined ? undefined : at - since)
      }
    }
    for (const { id, phase } of before.ends) {
      if (phase === "up" || after.ends.some((end) => end.id === id)) continue
      entry("attempt", id, reasonOf(step, id))
    }
  }
  return past.slice(-most)
}
