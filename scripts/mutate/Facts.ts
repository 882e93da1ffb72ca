/** What the quick pass's processes tell of mutants: a file of one JSON line each, which outlives a process that hangs. */
import * as fs from "node:fs"

/** What became of a mutant in the tests of one file, or of the file. */
export interface Fact {
  readonly file: string
  /** `undefined`: the file itself. */
  readonly mutant?: string
  /**
   * `begun`: it is on. `killed`: a test failed with it that passes without it, before and after. `passed`: every test that reaches it
   * does. `imported`: it runs when the file's imports do, before it could be on. `poisoned`: what failed with it fails without it as
   * well now. `done`: the file's mutants are all tried.
   */
  readonly is: "begun" | "killed" | "passed" | "imported" | "poisoned" | "done"
}

export interface Plan {
  /** Ids of the mutants to try. */
  readonly mutants: ReadonlyArray<string>
  /** Path of the file of facts. */
  readonly facts: string
  /** Path of the file of what tests took. */
  readonly durations: string
  /** ms. Tests that took longer are left out. */
  readonly mostMs: number
}

/** What a test took when it ran without a mutant. */
export interface Duration {
  readonly test: string
  readonly ms: number
}

export const add = ({ facts }: Plan, fact: Fact): void => fs.appendFileSync(facts, `${JSON.stringify(fact)}\n`)

const lines = <A>(file: string): ReadonlyArray<A> =>
  fs.existsSync(file) ? fs.readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line)) : []

export const read = ({ facts }: Plan): ReadonlyArray<Fact> => lines(facts)

export const addDurations = ({ durations }: Plan, all: ReadonlyArray<Duration>): void =>
  fs.appendFileSync(durations, all.map((one) => `${JSON.stringify(one)}\n`).join(""))

/** Tests that took longer than the plan's bound when they ran last. */
export const slow = ({ durations, mostMs }: Plan): ReadonlySet<string> => {
  const last = new Map(lines<Duration>(durations).map(({ ms, test }) => [test, ms]))
  return new Set([...last].flatMap(([test, ms]) => ms > mostMs ? [test] : []))
}
