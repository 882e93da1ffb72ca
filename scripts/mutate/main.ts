/**
 * `npm run mutate`: changes the code in small ways, one at a time, and sees whether the room's own tests notice. Ends with exit
 * code 1 where fewer than the required part do. How to read it: docs/mutation.md.
 *
 *     npm run mutate -- --room domain/peer --sample 40 --seed 7
 *
 * `--room` may be repeated (default: all), `--sample N` mutants of each room (`all` for every one; default 40), `--seed` picks
 * which. `--file Backoff` takes only files whose name has that, `--tests Backoff` only such test files. `--fresh` forgets what earlier runs found out, `--jobs N` runs as many at a time (default 2).
 * `--quick` leaves out tests that take longer than 1 s, and what runs when it is imported: a lower bound, in a minute. `--thorough` leaves the quick pass out: a process of its own for every mutant.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as Facts from "./Facts.ts"
import * as Journal from "./Journal.ts"
import * as QuickPass from "./QuickPass.ts"
import { results } from "./Reporter.ts"
import { type Room, rooms, testsOf } from "./Rooms.ts"
import * as Stryker from "./Stryker.ts"

const print = (line: string): void => void process.stdout.write(`${line}\n`)
const root = fileURLToPath(new URL("../../", import.meta.url))
const cache = `${root}node_modules/.cache/mutate/`

/** A test that takes longer is no part of `--quick`: each mutant that survives would cost it. */
const quickMs = 1_000

interface Equivalent {
  readonly file: string
  /** The line of the mutant, trimmed. */
  readonly line: string
  /** What of the line is replaced. */
  readonly original: string
  readonly replacement: string
  readonly why: string
}
const equivalents: ReadonlyArray<Equivalent> = JSON.parse(
  fs.readFileSync(new URL("equivalents.json", import.meta.url), "utf8")
)

const { values } = parseArgs({
  options: {
    room: { type: "string", multiple: true },
    sample: { type: "string", default: "40" },
    seed: { type: "string", default: "1" },
    jobs: { type: "string", default: "2" },
    file: { type: "string", default: "" },
    tests: { type: "string", default: "" },
    fresh: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    thorough: { type: "boolean", default: false }
  }
})
const chosen = values.room === undefined ? rooms : rooms.filter(({ name }) => values.room?.includes(name))
if (chosen.length === 0 || chosen.length < (values.room?.length ?? 0)) {
  print(`unknown room; there are ${rooms.map(({ name }) => name).join(", ")}`)
  process.exit(2)
}
const sample = values.sample === "all" ? Number.POSITIVE_INFINITY : Number(values.sample)

/** Everything that a room's own tests are made of, and what runs them. */
const testsHash = (room: Room): string => {
  const folders = [...(room.tests ?? [room.name]), "harness"].map((folder) => `${root}test/${folder}`)
  const files = folders.flatMap((folder) =>
    fs.readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts")).toSorted()
      .map((name) => fs.readFileSync(`${folder}/${name}`, "utf8"))
  )
  const runners = ["QuickPass", "QuickRunner"].map((name) =>
    fs.readFileSync(new URL(`${name}.ts`, import.meta.url), "utf8")
  )
  return Journal.hash([...files, ...runners].join("\0"))
}

interface Found {
  readonly mutant: Stryker.Mutant
  /** `file:line`, and the line's text. */
  readonly place: string
  readonly line: string
  readonly original: string
  readonly key: string
}

const isEquivalent = (found: Found): Equivalent | undefined =>
  equivalents.find(({ file, line, original, replacement }) =>
    found.place.startsWith(`${file}:`) && line === found.line && original === found.original &&
    replacement === found.mutant.replacement
  )

const stryker = await Stryker.load()

const found = (mutants: ReadonlyArray<Stryker.Mutant>): ReadonlyArray<Found> => {
  const sources = new Map<string, string>()
  return mutants.map((mutant) => {
    const name = mutant.fileName
    const source = sources.get(name) ?? fs.readFileSync(name, "utf8")
    sources.set(name, source)
    const { end, start } = mutant.location
    const lines = source.split("\n")
    const line = lines[start.line] ?? ""
    const original = start.line === end.line ? line.slice(start.column, end.column) : `${line.slice(start.column)} …`
    const place = `${name.slice(name.lastIndexOf("/src/") + 1)}:${start.line + 1}`
    return { mutant, place, line: line.trim(), original, key: Journal.keyOf(source, mutant) }
  })
}

const test = async (room: Room) => {
  const began = performance.now()
  const journal = `${cache}${room.name.replace("/", "-")}.ndjson`
  if (values.fresh) fs.rmSync(journal, { force: true })
  const known = Journal.read(journal)
  // A survivor of some of the tests is not one of all.
  const tests = `${testsHash(room)}${values.quick ? " quick" : ""}${values.tests}`
  const sources = fs.globSync(`src/${room.name}/**/*${values.file}*.ts`, { cwd: root }).toSorted()
  const { files, mutants } = await stryker.instrument(sources.map((name) => `${root}${name}`))
  const all = found(mutants)
  // By a hash of seed and mutant: the sample of a seed stays the same where the code does.
  const drawn = all.map((one) => ({ one, order: Journal.hash(`${values.seed} ${one.key}`) }))
    .toSorted((a, b) => a.order < b.order ? -1 : 1).slice(0, sample).map(({ one }) => one)
  const isDue = (one: Found): boolean => {
    const before = known.get(one.key)
    return isEquivalent(one) === undefined &&
      (before === undefined || !(Journal.isKill(before) || before.tests === tests))
  }
  const learn = (key: string, status: string): void => {
    const tested = { key, status, tests }
    known.set(key, tested)
    Journal.write(journal, tested)
  }
  const due = drawn.filter(isDue)
  print(
    `${room.name}: ${all.length} mutants, ${drawn.length} drawn with seed ${values.seed}, ${due.length} to be tested`
  )
  const testFiles = testsOf(room, root).filter((name) => path.basename(name).includes(values.tests))
  const bounds = { durations: `${cache}durations.ndjson`, mostMs: values.quick ? quickMs : Facts.unbounded }
  if (due.length > 0 && !values.thorough) {
    // Of its own for each choice of files, so that two may run side by side.
    const copy = `${cache}copies/${room.name.replace("/", "-")}${values.file}`
    QuickPass.makeCopy(root, copy, new Map(files.map(({ content, name }) => [name.slice(root.length), content])))
    const keys = new Map(due.map(({ key, mutant }) => [mutant.id, key]))
    await QuickPass.run(copy, [...keys.keys()], testFiles, bounds, (id, outcome) => {
      const key = keys.get(id)
      if (key !== undefined) learn(key, outcome)
    }, print)
  }
  const rest = new Set(due.filter(isDue).map(({ key }) => key))
  if (rest.size === 0 || values.quick) return { all, began, drawn, journal, known }
  print(`${room.name}: ${rest.size} left, a process for each`)
  const keys = new Map<string, string>()
  stryker.onMutants((mutants) => {
    for (const { key, mutant } of found(mutants)) {
      if (rest.has(key)) keys.set(mutant.id, key)
      else {
        mutant.status = "Ignored"
        mutant.statusReason = "not drawn, equivalent, or known"
      }
    }
  })
  process.env["MUTATE_TESTS"] = QuickPass.quickestFirst(testFiles, bounds).join(",")
  results.onTested = ({ id, status }) => {
    const key = keys.get(id)
    if (key !== undefined && status !== "Ignored") learn(key, status)
  }
  await stryker.run({
    testRunner: "vitest",
    plugins: ["@stryker-mutator/vitest-runner", new URL("Reporter.ts", import.meta.url).href],
    vitest: { configFile: "scripts/mutate/vitest.config.ts", related: false },
    mutate: [`src/${room.name}/**/*${values.file}*.ts`],
    coverageAnalysis: "perTest",
    concurrency: Number(values.jobs),
    // The slowest test of the slowest room, several times over on a busy machine.
    timeoutMS: 20_000,
    timeoutFactor: 3,
    dryRunTimeoutMinutes: 20,
    reporters: ["journal"],
    tempDirName: `${cache}sandbox`,
    ignorePatterns: ["bench", "dist", "tools", ".git"],
    // TypeScript 7 has no programming interface that could rewrite it.
    tsconfigFile: "none.json",
    allowEmpty: true,
    disableTypeChecks: false,
    logLevel: "warn"
  })
  return { all, began, drawn, journal, known }
}

const rows: Array<ReadonlyArray<string>> = []
let failed = false
for (const room of chosen) {
  const { all, began, drawn, journal, known } = await test(room)
  const outcome = (found: Found): string => known.get(found.key)?.status ?? "?"
  const equivalent = drawn.filter((found) => isEquivalent(found) !== undefined)
  const untried = values.quick
    ? drawn.filter((found) => outcome(found) === "?" && isEquivalent(found) === undefined)
    : []
  const judged = drawn.filter((found) => isEquivalent(found) === undefined && !untried.includes(found))
  const killed = judged.filter((found) => ["Killed", "Timeout"].includes(outcome(found)))
  const score = judged.length === 0 ? 100 : killed.length / judged.length * 100
  if (score < room.required) failed = true
  rows.push([
    room.name,
    String(all.length),
    String(drawn.length),
    String(killed.length),
    String(judged.length - killed.length),
    String(equivalent.length),
    String(untried.length),
    score.toFixed(1),
    String(room.required),
    ((performance.now() - began) / 1_000).toFixed(0)
  ])
  for (const found of judged) {
    if (killed.includes(found)) continue
    print(`  ${outcome(found)}: ${found.place}: ${found.mutant.mutatorName}\n      ${found.line}`)
    print(`      ${found.original}  →  ${found.mutant.replacement.replaceAll(/\s+/g, " ")}`)
  }
  for (const found of equivalent) print(`  equivalent: ${found.place}: ${isEquivalent(found)?.why}`)
  print(`  known so far: ${journal.slice(root.length)}`)
}

const head = ["room", "mutants", "drawn", "killed", "survived", "equivalent", "untried", "%", "required", "s"]
print("")
for (const row of [head, ...rows]) print(row.map((cell, i) => i === 0 ? cell.padEnd(14) : cell.padStart(10)).join(""))
process.exit(failed ? 1 : 0)
