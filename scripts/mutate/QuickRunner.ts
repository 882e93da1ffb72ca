/**
 * Vitest's runner for the quick pass: once a test file has run, its tests run again and again in the same process, each time with
 * another mutant switched on. One start and one import per test file, instead of one per mutant.
 */
import { setTimeout as sleep } from "node:timers/promises"
import {
  type RunnerTask as Task,
  type RunnerTestCase as Test,
  type RunnerTestFile as File,
  TestRunner,
  vi
} from "vitest"
import { collectTests } from "vitest/internal/browser"
import * as Facts from "./Facts.ts"

/** What instrumented code reads and writes (StrykerJS's instrumenter). */
interface Switches {
  activeMutant?: string | undefined
  currentTestId?: string | undefined
  readonly mutantCoverage: {
    /** What ran while the file and its code were imported. */
    static: Record<string, number>
    readonly perTest: Record<string, Record<string, number> | undefined>
  }
  hitCount?: number | undefined
  hitLimit?: number | undefined
}

const plan: Facts.Plan = JSON.parse(
  process.env["MUTATE_PLAN"] ?? `{"mutants":[],"facts":"/dev/null","durations":"/dev/null","mostMs":0}`
)
const slow = Facts.slow(plan)
const switches: Switches = { mutantCoverage: { static: {}, perTest: {} } }
Reflect.set(globalThis, "__stryker__", switches)

const testsIn = (tasks: ReadonlyArray<Task>): ReadonlyArray<Test> =>
  tasks.flatMap((task) => task.type === "suite" ? testsIn(task.tasks) : task.mode === "run" ? [task] : [])

/** ms that a test may wait for nothing, or compute: many times what it takes alone. */
const limitMs = (ms: number): number => Math.max(8_000, 20 * ms)

/** What the process computed and waited for nothing since then, ms: what a busy machine takes for others is neither. */
const since = () => {
  const loop = performance.eventLoopUtilization()
  const cpu = process.cpuUsage()
  return () => {
    const { system, user } = process.cpuUsage(cpu)
    return { computedMs: (system + user) / 1_000, idleMs: performance.eventLoopUtilization(loop).idle }
  }
}

/** False once the process waited, or computed, for longer than that. */
const over = async (mostMs: number, ended: AbortSignal): Promise<false> => {
  const spent = since()
  for (;;) {
    await sleep(500, undefined, { signal: ended })
    const { computedMs, idleMs } = spent()
    if (idleMs > mostMs || computedMs > mostMs) return false
  }
}

/** Whether the test passes, and what it took. */
const run = async (test: Test, beforeMs: number): Promise<{ readonly passes: boolean; readonly ms: number }> => {
  const spent = since()
  const ended = new AbortController()
  const late = over(limitMs(beforeMs), ended.signal).catch(() => false)
  const passes = await Promise.race([
    Promise.resolve().then(TestRunner.getTestFn(test)).then(() => true, () => false),
    late
  ])
  ended.abort()
  const { computedMs, idleMs } = spent()
  return { passes, ms: computedMs + idleMs }
}

interface Known {
  readonly test: Test
  readonly ms: number
  /** Times that it passed each mutant. */
  readonly hits: Readonly<Record<string, number>>
}

/** Tests that reach one of the mutants and pass when they are run again, without a mutant, with what they reach; the quickest first. */
const measure = async (tests: ReadonlyArray<Test>, due: ReadonlySet<string>): Promise<ReadonlyArray<Known>> => {
  const known: Array<Known> = []
  const perTest = switches.mutantCoverage.perTest
  for (const test of tests) {
    if (!Object.keys(perTest[test.id] ?? {}).some((mutant) => due.has(mutant))) continue
    perTest[test.id] = undefined
    switches.currentTestId = test.id
    const { ms, passes } = await run(test, 0)
    if (passes) known.push({ test, ms, hits: perTest[test.id] ?? {} })
  }
  switches.currentTestId = "none"
  return known.toSorted((a, b) => a.ms - b.ms)
}

/** ms. A test that takes longer is reported as it ends. */
const longMs = 2_000

/** `poisoned`: what failed with the mutant also fails without it now. */
const tryMutant = async (
  file: string,
  mutant: string,
  known: ReadonlyArray<Known>
): Promise<"killed" | "passed" | "poisoned"> => {
  for (const { hits, ms, test } of known) {
    switches.activeMutant = mutant
    switches.hitCount = 0
    switches.hitLimit = 10_000 + 10 * (hits[mutant] ?? 0)
    const { ms: took, passes } = await run(test, ms)
    switches.activeMutant = undefined
    // The process that watches sees that this one does not hang.
    if (passes && took > longMs) Facts.add(plan, { file, mutant, is: "begun" })
    if (passes) continue
    return (await run(test, ms)).passes ? "killed" : "poisoned"
  }
  return "passed"
}

/** Imports the file and all code that it needs anew, with the mutant on if there is one. `undefined`: the import fails. */
const importAnew = async (
  runner: TestRunner,
  file: string,
  mutant?: string
): Promise<ReadonlyArray<Test> | undefined> => {
  vi.resetModules()
  switches.activeMutant = mutant
  switches.hitCount = undefined
  // What the watching process knows of the file stays as it is.
  const quiet = Object.create(runner, {
    onBeforeCollect: { value: () => {} },
    onCollectStart: { value: () => {} },
    onCollected: { value: () => {} }
  })
  const [again] = await collectTests([file], quiet)
  switches.activeMutant = undefined
  return again === undefined || again.result?.state === "fail" ? undefined : testsIn(again.tasks)
}

/**
 * Tries mutants that run when the file is imported, each with an import of its own, by the tests that pass after one without a mutant: not
 * those that need a hook to run first.
 */
const tryAnew = async (
  runner: TestRunner,
  file: string,
  mutants: ReadonlyArray<string>,
  tests: ReadonlyArray<Test>
): Promise<void> => {
  if (mutants.length === 0) return
  const alone = new Map<string, { readonly ms: number; readonly hits: Known["hits"] }>()
  for (const test of await importAnew(runner, file) ?? []) {
    if (!tests.some(({ id }) => id === test.id)) continue
    switches.mutantCoverage.perTest[test.id] = {}
    switches.currentTestId = test.id
    const { ms, passes } = await run(test, 0)
    switches.currentTestId = "none"
    if (passes) alone.set(test.id, { ms, hits: switches.mutantCoverage.perTest[test.id] ?? {} })
  }
  // Neighbours fall by the same test: the one that killed last comes first, the quickest of the others next.
  let likely: string | undefined
  const rank = ({ id }: Test): number => id === likely ? -1 : alone.get(id)?.ms ?? 0
  /** The test that fails with the mutant; `import`: the import does. */
  const failing = async (mutant: string): Promise<string | undefined> => {
    const all = await importAnew(runner, file, mutant)
    if (all === undefined) return "import"
    for (const test of all.filter(({ id }) => alone.has(id)).toSorted((a, b) => rank(a) - rank(b))) {
      const { hits = {}, ms = 0 } = alone.get(test.id) ?? {}
      switches.activeMutant = mutant
      switches.hitCount = 0
      switches.hitLimit = 10_000 + 10 * (hits[mutant] ?? 0)
      const { ms: took, passes } = await run(test, ms)
      switches.activeMutant = undefined
      if (!passes) return test.id
      if (took > longMs) Facts.add(plan, { file, mutant, is: "begun" })
    }
    return undefined
  }
  for (const mutant of mutants) {
    Facts.add(plan, { file, mutant, is: "begun" })
    const by = await failing(mutant)
    if (by === undefined) {
      Facts.add(plan, { file, mutant, is: alone.size === tests.length ? "passed" : "imported" })
      continue
    }
    const without = await importAnew(runner, file)
    const test = without?.find(({ id }) => id === by)
    const passes = by === "import"
      ? without !== undefined
      : test !== undefined && (await run(test, alone.get(by)?.ms ?? 0)).passes
    if (passes && by !== "import") likely = by
    Facts.add(plan, { file, mutant, is: passes ? "killed" : "imported" })
  }
}

/** Of a test, the same in every copy. */
const nameOf = ({ file, fullTestName }: Task): string => `${file.name} > ${fullTestName}`

/** What each test of the file took when it ran first. */
const tookMs = new Map<string, number>()

export default class QuickRunner extends TestRunner {
  private spent: ReturnType<typeof since> | undefined

  onBeforeCollect(): void {
    // Each file imports its code itself, so that what runs on import is known of each.
    vi.resetModules()
    switches.mutantCoverage.static = {}
    switches.currentTestId = undefined
  }

  onBeforeRunFiles(): void {
    // What runs from here on is not part of importing the code.
    switches.currentTestId = "none"
  }

  override async onBeforeRunTask(test: Task): Promise<void> {
    if (slow.has(nameOf(test)) || (Facts.isBounded(plan) && test.tags?.includes("long"))) test.mode = "skip"
    await super.onBeforeRunTask(test)
  }

  override onBeforeTryTask(...[test, options]: Parameters<TestRunner["onBeforeTryTask"]>): void {
    super.onBeforeTryTask(test, options)
    switches.currentTestId = test.id
    this.spent = since()
  }

  override onAfterTryTask(test: Test): void {
    const { computedMs = 0, idleMs = 0 } = this.spent?.() ?? {}
    tookMs.set(test.id, computedMs + idleMs)
    switches.currentTestId = "none"
    super.onAfterTryTask(test)
  }

  override async onAfterRunFiles(files: Array<File>): Promise<void> {
    for (const { filepath: file, result, tasks } of files) {
      Facts.add(plan, { file, is: "begun" })
      if (result?.state === "fail") Facts.add(plan, { file, is: "broken" })
      Facts.addDurations(
        plan,
        testsIn(tasks).map((test) => ({ test: nameOf(test), ms: Math.round(tookMs.get(test.id) ?? 0) }))
      )
      const facts = Facts.read(plan)
      const settled = new Set(
        facts.filter((fact) => fact.is === "killed" || fact.file === file).map(({ mutant }) => mutant)
      )
      const inTime = testsIn(tasks).filter(({ id }) => (tookMs.get(id) ?? 0) <= plan.mostMs)
      const due = new Set(plan.mutants.filter((mutant) => !settled.has(mutant)))
      let known = await measure(inTime, due)
      // Tried from the import on, so that what the tests reach later shows as well.
      const anew = new Set([...due].filter((mutant) => switches.mutantCoverage.static[mutant] !== undefined))
      const tried = new Set<string>()
      for (const mutant of due) {
        if (anew.has(mutant)) continue
        const reaching = known.filter(({ hits }) => hits[mutant] !== undefined)
        if (reaching.length === 0) continue
        Facts.add(plan, { file, mutant, is: "begun" })
        tried.add(mutant)
        const is = await tryMutant(file, mutant, reaching)
        if (is !== "poisoned") {
          Facts.add(plan, { file, mutant, is })
          continue
        }
        // Something that the tests share is broken now.
        anew.add(mutant)
        const before = known.length
        known = await measure(await importAnew(this, file) ?? [], due)
        if (known.length === before) continue
        for (const other of due) if (!tried.has(other)) anew.add(other)
        break
      }
      await tryAnew(this, file, [...anew], inTime)
      Facts.add(plan, { file, is: "done" })
    }
    super.onAfterRunFiles(files)
  }
}
