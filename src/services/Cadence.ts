/**
 * How often a node does what it does at a fixed pace: references that embedders and tests replace, for one node with `Layer.succeed`.
 *
 * Use `Schedule.spaced` only. Every other schedule reads the wall clock, so a clock that is set moves its turns.
 */
import { Context, Schedule } from "effect"
import * as Limits from "../domain/Limits.ts"

/** A pace: each turn of the schedule is one beat. */
export type Pace = Schedule.Schedule<unknown>

/**
 * The heartbeat: each beat sends the pings that are due and ends connections that have been silent too long, and measures how late the
 * event loop is. Default `Limits.beatMs`. A slower beat costs less CPU and makes pings and verdicts late by up to one beat more.
 */
export const HeartbeatPace: Context.Reference<Pace> = Context.Reference("timemesh/services/HeartbeatPace", {
  defaultValue: (): Pace => Schedule.spaced(Limits.beatMs)
})

/**
 * How often the addresses that proved good are written to the `PeerStore`, if any changed. Default `Limits.storeEveryMs`. A slower pace
 * writes less and loses more after a kill.
 */
export const AddressSaverPace: Context.Reference<Pace> = Context.Reference("timemesh/services/AddressSaverPace", {
  defaultValue: (): Pace => Schedule.spaced(Limits.storeEveryMs)
})
