/** Everything `npm run model` does, as a list that both the program and its workers know. */
import { mutants, refute } from "./Mutants.ts"
import type { Mutant, Refutation } from "./Mutants.ts"
import { properties, search } from "./Search.ts"
import type { Property } from "./Search.ts"
import { whole } from "./Settings.ts"
import { trace } from "./Trace.ts"
import type { Setting } from "./World.ts"

export type Job =
  | { readonly _tag: "Search"; readonly section: string; readonly setting: Setting }
  | { readonly _tag: "Mutant"; readonly section: string; readonly mutant: Mutant }

export const jobs: ReadonlyArray<Job> = [
  ...whole.flatMap(({ name, settings }) =>
    settings.map((setting): Job => ({ _tag: "Search", section: name, setting }))
  ),
  ...mutants.map((mutant): Job => ({ _tag: "Mutant", section: "mutants", mutant }))
]

export interface Done {
  readonly index: number
  readonly states: number
  readonly seconds: number
  /** For a search; a mutant has none. */
  readonly counts: Readonly<Record<Property, number>> | undefined
  /** Traces of what was found: in a search nothing must be, for a mutant something. */
  readonly traces: ReadonlyArray<ReadonlyArray<string>>
  /** Whether it came out as it should. */
  readonly ok: boolean
}

export const run = (index: number): Done => {
  const job = jobs[index]
  if (job === undefined) throw new Error(`no job ${index}`)
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
