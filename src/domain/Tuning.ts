/** Durations and limits that an operator may set, with the range of each and the rules between them. */
import * as Limits from "./Limits.ts"
import * as Liveness from "./peer/Liveness.ts"

/** Milliseconds and counts, whole numbers; defaults and reasons in `Limits.ts`. */
export interface Tuning {
  readonly dialMs: number
  readonly graceMs: number
  readonly fallbackMs: number
  readonly fallbackJitterMs: number
  readonly fallbackFirstMs: number
  readonly fallbackFirstJitterMs: number
  readonly pingMs: number
  readonly deadMs: number
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
  readonly maxPeers: number
  readonly maxDials: number
}

/** The defaults of `Limits.ts`. */
export const defaults: Tuning = {
  dialMs: Limits.dialMs,
  graceMs: Limits.graceMs,
  fallbackMs: Limits.fallbackMs,
  fallbackJitterMs: Limits.fallbackJitterMs,
  fallbackFirstMs: Limits.fallbackFirstMs,
  fallbackFirstJitterMs: Limits.fallbackFirstJitterMs,
  pingMs: Limits.pingMs,
  deadMs: Limits.deadMs,
  backoffBaseMs: Limits.backoffBaseMs,
  backoffMaxMs: Limits.backoffMaxMs,
  maxPeers: Limits.maxPeers,
  maxDials: Limits.maxDials
}

/** Allowed range of one value, both ends included. */
export interface Range {
  readonly kind: "duration" | "count"
  readonly least: number
  readonly most: number
}

const durations = (least: number, most: number): Range => ({ kind: "duration", least, most })
const counts = (most: number): Range => ({ kind: "count", least: 1, most })

export const ranges: Readonly<Record<keyof Tuning, Range>> = {
  dialMs: durations(1, Limits.tuningMostMs),
  graceMs: durations(0, Limits.graceMostMs),
  fallbackMs: durations(0, Limits.fallbackMostMs),
  fallbackJitterMs: durations(0, Limits.fallbackMostMs),
  fallbackFirstMs: durations(0, Limits.fallbackMostMs),
  fallbackFirstJitterMs: durations(0, Limits.fallbackMostMs),
  pingMs: durations(Limits.pingLeastMs, Limits.tuningMostMs),
  deadMs: durations(1, Limits.tuningMostMs),
  backoffBaseMs: durations(1, Limits.tuningMostMs),
  backoffMaxMs: durations(1, Limits.tuningMostMs),
  maxPeers: counts(Limits.knownPeers),
  maxDials: counts(Limits.maxDialsMost)
}

/** How a caller spells fields and durations: `deadMs` and `40000 ms` in code, `dead` and `40s` on a command line. */
export interface Spelling {
  readonly field: (field: keyof Tuning) => string
  readonly duration: (ms: number) => string
}

export const asCode: Spelling = { field: (field) => field, duration: (ms) => `${ms} ms` }

/** What is wrong. `fields`: the conflicting fields, the likelier culprit first. */
export interface TuningProblem {
  readonly fields: ReadonlyArray<keyof Tuning>
  readonly problem: string
  /** What to do, as an imperative. */
  readonly fix: string
}

const outOfRange = (tuning: Tuning, field: keyof Tuning, spelling: Spelling): TuningProblem | undefined => {
  const { kind, least, most } = ranges[field]
  const value = tuning[field]
  if (Number.isInteger(value) && value >= least && value <= most) return undefined
  const show = kind === "duration" ? spelling.duration : String
  return {
    fields: [field],
    problem: `${spelling.field(field)} (${value}) is ${
      Number.isInteger(value) ? "out of range" : `not a whole number${kind === "duration" ? " of milliseconds" : ""}`
    }`,
    fix: `use ${show(least)} to ${show(most)}`
  }
}

/** The first problem found; `undefined` if all values are valid. */
export const problem = (tuning: Tuning, spelling: Spelling = asCode): TuningProblem | undefined => {
  const { duration, field } = spelling
  for (const name of Object.keys(ranges) as ReadonlyArray<keyof Tuning>) {
    const wrong = outOfRange(tuning, name, spelling)
    if (wrong !== undefined) return wrong
  }
  if (!Liveness.toleratesLostPong(tuning)) {
    return {
      fields: ["deadMs", "pingMs"],
      problem: `${field("deadMs")} (${duration(tuning.deadMs)}) must exceed twice ${field("pingMs")} (${
        duration(tuning.pingMs)
      }), or one lost pong closes the connection`,
      fix: `set ${field("deadMs")} above ${duration(2 * tuning.pingMs)}, or lower ${field("pingMs")}`
    }
  }
  return tuning.backoffMaxMs < tuning.backoffBaseMs
    ? {
      fields: ["backoffMaxMs", "backoffBaseMs"],
      problem: `${field("backoffMaxMs")} (${duration(tuning.backoffMaxMs)}) is less than ${field("backoffBaseMs")} (${
        duration(tuning.backoffBaseMs)
      })`,
      fix: `set ${field("backoffMaxMs")} to ${duration(tuning.backoffBaseMs)} or more`
    }
    : undefined
}
