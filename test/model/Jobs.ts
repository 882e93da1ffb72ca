/** Everything `npm run model` does, as a list that both the program and its workers know. */
import { mutants, refute } from "./Mutants.ts"
import type { Mutant, Refutation } from "./Mutants.ts"
import { properties, search } from "./Search.ts"
import type { Property } from "./Search.ts"
import { whole } from "./Settings.ts"
import * as Time from "./time/Cases.ts"
import { search as searchTime } from "./time/Search.ts"
import { trace } from "./Trace.ts"
import type { Setting } from "./World.ts"

export type Job =
  | { readonly _tag: "Search"; readonly section: string; readonly setting: Setting }
  | { readonly _tag: "Mutant"; readonly section: string; readonly mutant: Mutant }
  /** Of a pair with a daemon of the TIME network. */
  | { readonly _tag: "TimeSearch"; readonly section: string; readonly setting: Time.Case }
  | { readonly _tag: "TimeMutant"; readonly section: string; readonly mutant: Time.Mutant }

export const isMutant = ({ _tag }: Job): boolean => _tag === "Mutant" || _tag === "TimeMutant"

export const nameOf = (job: Job): string => "mutant" in job ? job.mutant.name : job.setting.name

export const jobs: ReadonlyArray<Job> = [
  ...whole.flatMap(({ name, settings }) =>
    settings.map((setting): Job => ({ _tag: "Search", section: name, setting }))
  ),
  ...Time.cases.map((setting): Job => ({ _tag: "TimeSearch", section: "with a daemon of the TIME network", setting })),
  ...mutants.map((mutant): Job => ({ _tag: "Mutant", section: "mutants", mutant })),
  ...Time.mutants.map((mutant): Job => ({ _tag: "TimeMutant", section: "mutants with a daemon", mutant }))
]

export interface Done {
  readonly index: number
  readonly states: number
  readonly seconds: number
  /** For a search of our own wire; others have none. */
  readonly counts: Readonly<Record<Property, number>> | undefined
  /** Traces of what was found: in a search nothing must be, for a mutant something. */
  readonly traces: ReadonlyArray<ReadonlyArray<string>>
  /** Whether it came out as it should. */
  readonly ok: boolean
}

/** A trace as the other searches tell it: each move, then what is wrong. */
const ofTime = (
  index: number,
  violation: ReturnType<typeof searchTime>["violation"],
  began: number,
  states: number
) => ({
  index,
  states,
  seconds: (performance.now() - began) / 1_000,
  counts: undefined,
  traces: violation === undefined ? [] : [[...violation[1], violation[0]]]
})

export const run = (index: number): Done => {
  const job = jobs[index]
  if (job === undefined) throw new Error(`no job ${index}`)
  if (job._tag === "TimeSearch") {
    const began = performance.now()
    const { settled, states, violation } = searchTime(job.setting.setting)
    return { ...ofTime(index, violation, began, states), ok: violation === undefined && settled > 0 }
  }
  if (job._tag === "TimeMutant") {
    const began = performance.now()
    const { states, violation } = Time.refute(job.mutant)
    return { ...ofTime(index, violation, began, states), ok: violation !== undefined }
  }
  if (job._tag === "Mutant") {
    const began = performance.now()
    const refutation: Refutation = refute(job.mutant)
    return {
      index,
      states: refutation.states,
      seconds: (performance.now() - began) / 1_000,
      counts: undefined,
      traces: refutation.lines === undefined ? [] : [refutation.lines],
      ok: refutation.breaks === job.mutant.breaks
    }
  }
  const result = search(job.setting)
  return {
    index,
    states: result.states,
    seconds: result.seconds,
    counts: result.counts,
    traces: result.first.map((violation) => trace(result, violation)),
    ok: properties.every((property) => result.counts[property] === 0)
  }
}
