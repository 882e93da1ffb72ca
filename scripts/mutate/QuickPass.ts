/**
 * The quick pass: a copy of the project whose room is instrumented with every mutant, in which each test file runs in one process
 * that tries one mutant after the other (`QuickRunner.ts`), at a small part of the price of a process for each. Code that runs when it is
 * imported has run before a mutant could be on: that is StrykerJS's.
 */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as Facts from "./Facts.ts"

/** ms without a fact after which a process hangs: with a mutant on, and in between (its tests run as they are). */
const hangsMs = { mutant: 90_000, file: 900_000 }

/** Nothing that a room's tests read. */
const leftOut = new Set(["node_modules", ".git", "bench", "docs", "dist", "tools"])

export const makeCopy = (root: string, to: string, instrumented: ReadonlyMap<string, string>): void => {
  fs.rmSync(to, { recursive: true, force: true })
  fs.mkdirSync(to, { recursive: true })
  for (const name of fs.readdirSync(root)) {
    if (!leftOut.has(name)) fs.cpSync(path.join(root, name), path.join(to, name), { recursive: true })
  }
  fs.symlinkSync(path.join(root, "node_modules"), path.join(to, "node_modules"))
  for (const [name, content] of instrumented) fs.writeFileSync(path.join(to, name), content)
}

/** One process, until it ends or hangs. */
const attempt = async (copy: string, plan: Facts.Plan, tests: string, poll: () => void): Promise<void> => {
  const child = spawn(process.execPath, [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--config",
    "scripts/mutate/quick.config.ts"
  ], {
    cwd: copy,
    stdio: ["ignore", fs.openSync(`${plan.facts}.log`, "a"), fs.openSync(`${plan.facts}.log`, "a")],
    env: { ...process.env, MUTATE_TESTS: tests, MUTATE_PLAN: JSON.stringify(plan) }
  })
  let seen = 0
  let since = performance.now()
  while (child.exitCode === null && child.signalCode === null) {
    await sleep(500)
    poll()
    const facts = Facts.read(plan)
    if (facts.length > seen) since = performance.now()
    seen = facts.length
    const last = facts.at(-1)
    const hanging = last?.is === "begun" && last.mutant !== undefined ? last : undefined
    if (performance.now() - since < (hanging === undefined ? hangsMs.file : hangsMs.mutant)) continue
    child.kill("SIGKILL")
    if (hanging === undefined) return
    Facts.add(plan, { ...hanging, is: "killed" })
  }
}

export type Outcome = "Killed" | "Survived" | "NoCoverage"

/**
 * What became of each mutant, as soon as it is known. One that is not told of is not known. `tests`: the room's test files, from the root.
 * `bounds`: of the plan.
 */
export const run = async (
  copy: string,
  mutants: ReadonlyArray<string>,
  tests: ReadonlyArray<string>,
  bounds: Pick<Facts.Plan, "durations" | "mostMs">,
  tell: (mutant: string, outcome: Outcome) => void
): Promise<void> => {
  const plan: Facts.Plan = { mutants, facts: path.join(copy, "facts.ndjson"), ...bounds }
  const told = new Set<string>()
  const tellKills = (): void => {
    for (const { is, mutant } of Facts.read(plan)) {
      if (is !== "killed" || mutant === undefined || told.has(mutant)) continue
      told.add(mutant)
      tell(mutant, "Killed")
    }
  }
  let left: ReadonlyArray<string> = tests
  for (let before = -1; left.length > 0;) {
    const count = Facts.read(plan).length
    // A process that tells of nothing new would not the next time.
    if (count === before) break
    before = count
    await attempt(copy, plan, left.join(","), tellKills)
    const done = new Set(Facts.read(plan).flatMap(({ file, is }) => is === "done" ? [file] : []))
    left = tests.filter((file) => !done.has(path.join(copy, file)))
  }
  tellKills()
  if (left.length > 0) return
  const facts = Facts.read(plan)
  const idsOf = (...which: ReadonlyArray<Facts.Fact["is"]>) =>
    new Set(facts.flatMap(({ is, mutant }) => which.includes(is) && mutant !== undefined ? [mutant] : []))
  const unknown = idsOf("killed", "imported", "poisoned")
  const passed = idsOf("passed")
  for (const mutant of mutants) if (!unknown.has(mutant)) tell(mutant, passed.has(mutant) ? "Survived" : "NoCoverage")
}
