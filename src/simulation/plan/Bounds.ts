/** How soon two nodes must be connected once nothing keeps them apart, by the kinds of fault that did. All ms. */
import * as Limits from "../../domain/Limits.ts"
import type { FaultKind } from "./Fault.ts"
import * as SimulationLimits from "./Limits.ts"
import type { Figures, RecoveryKind } from "./Recovery.ts"

export interface Bound {
  /** Required of runs with at least `SimulationLimits.recoveriesJudged` such recoveries. */
  readonly p99Ms: number
  /** Required of every pair. */
  readonly worstMs: number
}

const { connectMs, recoverMs, recoverOftenMs, recoverProcessMs } = SimulationLimits

const process: Bound = { p99Ms: recoverOftenMs, worstMs: recoverProcessMs }
const link: Bound = { p99Ms: recoverOftenMs, worstMs: recoverMs }

/** A peer whose place another process holds rejects the second one with a retry delay, and a clock may be slow. */
const place: Bound = {
  p99Ms: recoverMs,
  worstMs: Math.ceil((Limits.retryInUseMaxMs * (1 + Limits.retryJitter)) * (1 + SimulationLimits.slowClock)) + recoverMs
}

export const recovery: Readonly<Record<FaultKind, Bound>> = {
  kill: process,
  vanish: process,
  "crash-loop": process,
  fork: process,
  readdress: process,
  pause: link,
  stall: link,
  cut: link,
  partition: link,
  clog: link,
  swizzle: link,
  storm: link,
  narrow: link,
  reset: link,
  refuse: link,
  "slow-reader": link,
  flood: link,
  twin: place,
  // These keep no pair apart.
  jump: link,
  drift: link,
  hostile: link,
  alias: link
}

/** Maximum time for two nodes that know each other and were connected before these kinds of fault. */
export const worstMs = (kinds: ReadonlyArray<FaultKind>): number =>
  Math.max(0, ...kinds.map((kind) => recovery[kind].worstMs))

/** The same for two nodes that were never connected. */
export const firstMs = (kinds: ReadonlyArray<FaultKind>): number => Math.max(connectMs, worstMs(kinds))

/** The same where one node must first learn of the other: it connects to a peer that advertises it. */
export const introductionMs = (kinds: ReadonlyArray<FaultKind>): number => 2 * firstMs(kinds)

/** Bounds for recoveries of a kind. Several kinds together may take as long as the slowest of them, though seldom. */
export const of = (kind: RecoveryKind): Bound =>
  kind === "several" ? { ...link, worstMs: place.worstMs } : recovery[kind]

/** Which kinds exceeded their bounds too often, in words. */
export const problems = (figures: ReadonlyArray<Figures>): ReadonlyArray<string> =>
  figures.flatMap(({ count, kind, p99Ms }) =>
    count >= SimulationLimits.recoveriesJudged && p99Ms > of(kind).p99Ms
      ? [`${kind}: p99 ${p99Ms} ms of ${count} recoveries exceeds limit ${of(kind).p99Ms} ms`]
      : []
  )
