/**
 * Whether this node itself is in trouble: then what its peers seem to do may be its own doing, and no peer is banned for it. Pure; times in monotonic
 * ms.
 */
import * as Limits from "../Limits.ts"
import type { PeerIp } from "../peer/PeerIp.ts"

/**
 * `lag`: its event loop stood still. `network`: its own system refused to dial. `store`: its chain store failed. `clock`: its wall clock was set, or is
 * wrong by what most peers show. `timeouts`: many peers at once were silent.
 */
export type Trouble = "lag" | "network" | "store" | "clock" | "timeouts"

export interface OwnTrouble {
  /** When each was last seen. */
  readonly seen: ReadonlyMap<Trouble, number>
  /** Peers that were lost by a timeout of late. */
  readonly timeouts: ReadonlyMap<PeerIp, number>
  /** Wall time less monotonic time, ms. */
  readonly offsetMs: number | undefined
}

export const none: OwnTrouble = { seen: new Map(), timeouts: new Map(), offsetMs: undefined }

export const noted = (state: OwnTrouble, trouble: Trouble, now: number): OwnTrouble => ({
  ...state,
  seen: new Map(state.seen).set(trouble, now)
})

/** A connection ended because nothing came. `ups`: connections that are left. */
export const timedOut = (state: OwnTrouble, ip: PeerIp, ups: number, now: number): OwnTrouble => {
  const timeouts = new Map([...state.timeouts].filter(([, at]) => now - at < Limits.troubleMs))
  timeouts.set(ip, now)
  const next = { ...state, timeouts }
  const many = Math.max(Limits.troubleTimeouts, Math.ceil((ups + timeouts.size) * Limits.troubleTimeoutShare))
  return timeouts.size >= many ? noted(next, "timeouts", now) : next
}

/** Looks at both clocks: a wall clock that was set since the last look is a trouble. */
export const looked = (state: OwnTrouble, wallMs: number, now: number): OwnTrouble => {
  const offsetMs = wallMs - now
  const wasSet = state.offsetMs !== undefined && Math.abs(offsetMs - state.offsetMs) > Limits.troubleClockMs
  if (!wasSet && state.offsetMs !== undefined) return state
  const next = { ...state, offsetMs }
  return wasSet ? noted(next, "clock", now) : next
}

/** The trouble that lasts; of several, any. */
export const current = ({ seen }: OwnTrouble, now: number): Trouble | undefined => {
  for (const [trouble, at] of seen) if (now - at < Limits.troubleMs) return trouble
  return undefined
}
