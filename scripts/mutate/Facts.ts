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
}

export const add = ({ facts }: Plan, fact: Fact): void => fs.appendFileSync(facts, `${JSON.stringify(fact)}\n`)

export const read = ({ facts }: Plan): ReadonlyArray<Fact> =>
  fs.existsSync(facts) ? fs.readFileSync(facts, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line)) : []
