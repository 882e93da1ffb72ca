/** What the quick pass's processes tell of mutants: a file of one JSON line each, which outlives a process that hangs. */
import * as fs from "node:fs"

/** What became of a mutant in the tests of one file, or of the file. */
export interface Fact {
  readonly file: string
  /** `undefined`: the file itself. */
  readonly mutant?: string
  /**
   * `begun`: it is on. `killed`: a test failed with it that passes without it, before and after. `passed`: every test that reaches it
   * does. `imported`: it runs when the file's imports do, and not all tests can run after an import of their own: that none fails says
   * nothing. `poisoned`: what failed with it fails without it as well, or its process ended. `broken`: without a mutant, the
   * file's import or a test of it fails. `done`: the file's mutants are all tried.
   */
  readonly is: "begun" | "killed" | "passed" | "imported" | "poisoned" | "broken" | "done"
}

export interface Plan {
  /** Ids of the mutants to try. */
  readonly mutants: ReadonlyArray<string>
  /** Path of the file of facts. */
  readonly facts: string
  /** Path of the file of what tests took. */
  readonly durations: string
  /** ms. Tests that took longer are left out, and those that say so by the tag `long`. `Infinity` is `null` in JSON: no bound is `unbounded`. */
  readonly mostMs: number
}

/** ms. */
export const unbounded = Number.MAX_SAFE_INTEGER

export const isBounded = ({ mostMs }: Plan): boolean => mostMs < unbounded

/** What a test took when it ran without a mutant. */
export interface Duration {
  readonly test: string
  readonly ms: number
}

export const add = ({ facts }: Plan, fact: Fact): void => fs.appendFileSync(facts, `${JSON.stringify(fact)}\n`)

const lines = <A>(file: string): ReadonlyArray<A> =>
  fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line)) : []

export const read = ({ facts }: Plan): ReadonlyArray<Fact> => lines(facts)

/** Each call gives what was added since the last one. */
export const follow = ({ facts }: Plan): () => ReadonlyArray<Fact> => {
  let from = 0
  return () => {
    if (!fs.existsSync(facts) || fs.statSync(facts).size === from) return []
    const added = fs.readFileSync(facts).subarray(from)
    const whole = added.subarray(0, added.lastIndexOf("\n") + 1)
    from += whole.length
    return whole.toString().split("\n").filter(Boolean).map((line) => JSON.parse(line))
  }
}

export const addDurations = ({ durations }: Plan, all: ReadonlyArray<Duration>): void =>
  fs.appendFileSync(durations, all.map((one) => `${JSON.stringify(one)}\n`).join(""))

const lastDurations = (file: string): ReadonlyMap<string, number> =>
  new Map(lines<Duration>(file).map(({ ms, test }) => [test, ms]))

/** Tests that took longer than the plan's bound when they ran last. */
export const slow = ({ durations, mostMs }: Plan): ReadonlySet<string> =>
  new Set([...lastDurations(durations)].flatMap(([test, ms]) => ms > mostMs ? [test] : []))

/** ms that all tests of a file took when they ran last, those within the plan's bound, by the file's name. No file that never ran. */
export const fileMs = ({ durations, mostMs }: Pick<Plan, "durations" | "mostMs">): ReadonlyMap<string, number> => {
  const sums = new Map<string, number>()
  for (const [test, ms] of lastDurations(durations)) {
    const file = test.slice(0, test.indexOf(" > "))
    sums.set(file, (sums.get(file) ?? 0) + (ms > mostMs ? 0 : ms))
  }
  return sums
}
