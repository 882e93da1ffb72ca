/**
 * The quick pass: a copy of the project whose room is instrumented with every mutant, in which each test file runs in one process
 * that tries one mutant after the other (`QuickRunner.ts`), at a small part of the price of a process for each. What it cannot decide is
 * StrykerJS's.
 */
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import * as Facts from "./Facts.ts"

/**
 * ms without a fact after which a process hangs: of its processor's time with a mutant on, since a busy machine has little of it for this
 * one; by the clock in any case.
 */
const hangsMs = { computing: 90_000, clock: 900_000 }

/** Where tests have a bound: eight times as long, and no longer than where they have none. */
const computingMs = ({ mostMs }: Facts.Plan): number => Math.min(hangsMs.computing, 8 * mostMs)

/** ms that a process has computed; `undefined` where the system does not say. */
const computedMs = (pid: number | undefined): number | undefined => {
  try {
    const [, user, system] = /\) \S(?: \S+){10} (\d+) (\d+)/.exec(fs.readFileSync(`/proc/${pid}/stat`, "utf8")) ?? []
    return (Number(user) + Number(system)) * 10
  } catch {
    return undefined
  }
}

/** Nothing that a room's tests read. */
const leftOut = new Set([".git", "bench", "dist", "tools"])
/** Read as they are. */
const linked = new Set(["node_modules", "docs"])

export const makeCopy = (root: string, to: string, instrumented: ReadonlyMap<string, string>): void => {
  fs.rmSync(to, { recursive: true, force: true })
  fs.mkdirSync(to, { recursive: true })
  for (const name of fs.readdirSync(root)) {
    if (linked.has(name)) fs.symlinkSync(path.join(root, name), path.join(to, name))
    else if (!leftOut.has(name)) fs.cpSync(path.join(root, name), path.join(to, name), { recursive: true })
  }
  for (const [name, content] of instrumented) fs.writeFileSync(path.join(to, name), content)
}

/** One process, until it ends or hangs. `next`: the facts since it was called last. */
const attempt = async (copy: string, plan: Facts.Plan, tests: string, next: () => ReadonlyArray<Facts.Fact>) => {
  const log = fs.openSync(`${plan.facts}.log`, "a")
  const child = spawn(process.execPath, [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--config",
    "scripts/mutate/quick.config.ts"
  ], {
    cwd: copy,
    stdio: ["ignore", log, log],
    env: { ...process.env, MUTATE_TESTS: tests, MUTATE_PLAN: JSON.stringify(plan) }
  })
  fs.closeSync(log)
  let last: Facts.Fact | undefined
  let since = { clock: performance.now(), computed: computedMs(child.pid) }
  while (child.exitCode === null && child.signalCode === null) {
    await sleep(500)
    const added = next()
    const now = { clock: performance.now(), computed: computedMs(child.pid) }
    if (added.length > 0) since = now
    last = added.at(-1) ?? last
    const hanging = last?.is === "begun" && last.mutant !== undefined ? last : undefined
    const clockMs = now.clock - since.clock
    const mutantMs = now.computed === undefined || since.computed === undefined
      ? clockMs
      : now.computed - since.computed
    if (clockMs < hangsMs.clock && (hanging === undefined || mutantMs < computingMs(plan))) continue
    child.kill("SIGKILL")
    if (hanging === undefined) return
    Facts.add(plan, { ...hanging, is: "killed" })
    return
  }
  next()
  const unfinished = Facts.read(plan).at(-1)
  if (unfinished?.is === "begun" && unfinished.mutant !== undefined) Facts.add(plan, { ...unfinished, is: "poisoned" })
}

/** By what the tests of each file took when they ran last. */
export const quickestFirst = (
  tests: ReadonlyArray<string>,
  bounds: Pick<Facts.Plan, "durations" | "mostMs">
): ReadonlyArray<string> => {
  const ms = Facts.fileMs(bounds)
  return tests.toSorted((a, b) => (ms.get(a) ?? 0) - (ms.get(b) ?? 0))
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
  tell: (mutant: string, outcome: Outcome) => void,
  warn: (line: string) => void
): Promise<void> => {
  const plan: Facts.Plan = { mutants, facts: path.join(copy, "facts.ndjson"), ...bounds }
  const told = new Set<string>()
  const added = Facts.follow(plan)
  const next = (): ReadonlyArray<Facts.Fact> => {
    const facts = added()
    for (const { file, is, mutant } of facts) {
      if (is === "broken") warn(`${path.relative(copy, file)} fails without a mutant as well`)
      if (is !== "killed" || mutant === undefined || told.has(mutant)) continue
      told.add(mutant)
      tell(mutant, "Killed")
    }
    return facts
  }
  const unmeasured = tests.filter((file) => !Facts.fileMs(bounds).has(file))
  if (unmeasured.length > 0) {
    const measuring = { ...plan, mutants: [], facts: path.join(copy, "measured.ndjson") }
    await attempt(copy, measuring, unmeasured.join(","), Facts.follow(measuring))
  }
  // What one file leaves, the next one gets: the quick files first, so that the slow ones run for few.
  const ordered = quickestFirst(tests, bounds)
  let left = ordered
  for (let before = -1; left.length > 0;) {
    const count = Facts.read(plan).length
    // A process that reports nothing new would not the next time.
    if (count === before) break
    before = count
    await attempt(copy, plan, left.join(","), next)
    const done = new Set(Facts.read(plan).flatMap(({ file, is }) => is === "done" ? [file] : []))
    left = ordered.filter((file) => !done.has(path.join(copy, file)))
  }
  next()
  if (left.length > 0) return
  const facts = Facts.read(plan)
  const idsOf = (...which: ReadonlyArray<Facts.Fact["is"]>) =>
    new Set(facts.flatMap(({ is, mutant }) => which.includes(is) && mutant !== undefined ? [mutant] : []))
  const undecided = idsOf("killed", "imported", "poisoned")
  const passed = idsOf("passed")
  for (const mutant of mutants) if (!undecided.has(mutant)) tell(mutant, passed.has(mutant) ? "Survived" : "NoCoverage")
}
