/**
 * Whether this node itself is in trouble. Its peers' apparent faults may then be its own, so no peer is banned. Pure; times in monotonic
 * ms.
 */
import * as Limits from "../Limits.ts"
import type { PeerIp } from "../peer/PeerIp.ts"

/**
 * `lag`: its event loop stalled. `network`: its own system refused to dial. `store`: its chain store failed. `clock`: its wall clock was
 * set, or is wrong according to most peers. `timeouts`: many peers were silent at once.
 */
export type Trouble = "lag" | "network" | "store" | "clock" | "timeouts"

export interface OwnTrouble {
  /** When each trouble was last seen. */
  readonly seen: ReadonlyMap<Trouble, number>
  /** Peers recently lost to a timeout, and when. */
  readonly timeouts: ReadonlyMap<PeerIp, number>
  /** Wall time minus monotonic time, ms. */
  readonly offsetMs: number | undefined
}

export const none: OwnTrouble = { seen: new Map(), timeouts: new Map(), offsetMs: undefined }

export const noted = (state: OwnTrouble, trouble: Trouble, now: number): OwnTrouble => ({
  ...state,
  seen: new Map(state.seen).set(trouble, now)
})

/** A connection timed out. `ups`: remaining connections. */
export const timedOut = (state: OwnTrouble, ip: PeerIp, ups: number, now: number): OwnTrouble => {
  const timeouts = new Map([...state.timeouts].filter(([, at]) => now - at < Limits.troubleMs))
  timeouts.set(ip, now)
  const next = { ...state, timeouts }
  const many = Math.max(Limits.troubleTimeouts, Math.ceil((ups + timeouts.size) * Limits.troubleTimeoutShare))
  return timeouts.size >= many ? noted(next, "timeouts", now) : next
}

/** Compares both clocks: a wall clock set since the last look counts as trouble. */
export const looked = (state: OwnTrouble, wallMs: number, now: number): OwnTrouble => {
  const offsetMs = wallMs - now
  const wasSet = state.offsetMs !== undefined && Math.abs(offsetMs - state.offsetMs) > Limits.troubleClockMs
  if (!wasSet && state.offsetMs !== undefined) return state
  const next = { ...state, offsetMs }
  return wasSet ? noted(next, "clock", now) : next
}

/** The current trouble; of several, any. */
export const current = ({ seen }: OwnTrouble, now: number): Trouble | undefined => {
  for (const [trouble, at] of seen) if (now - at < Limits.troubleMs) return trouble
  return undefined
}
