/**
 * How often a node does its periodic work: references that embedders and tests replace, for one node with `Layer.succeed`.
 *
 * Use `Schedule.spaced` only. Every other schedule reads the wall clock, so setting the clock would shift its beats.
 */
import { Context, Schedule } from "effect"
import * as Limits from "../domain/Limits.ts"

/** A pace: each turn of the schedule is one beat. */
export type Pace = Schedule.Schedule<unknown>

/**
 * The heartbeat. Each beat sends the pings that are due, ends connections that were silent too long, and measures event-loop lag. Default
 * `Limits.beatMs`. A slower beat costs less CPU, and delays pings and verdicts by up to one more beat.
 */
export const HeartbeatPace: Context.Reference<Pace> = Context.Reference("timemesh/services/HeartbeatPace", {
  defaultValue: (): Pace => Schedule.spaced(Limits.beatMs)
})

/**
 * How often addresses that proved good are written to the `PeerStore`, if any changed. Default `Limits.storeEveryMs`. A slower pace writes
 * less and loses more after a kill.
 */
export const AddressSaverPace: Context.Reference<Pace> = Context.Reference("timemesh/services/AddressSaverPace", {
  defaultValue: (): Pace => Schedule.spaced(Limits.storeEveryMs)
})
