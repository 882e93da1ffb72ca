/**
 * The order of the rooms, for every form of import. The linter says the same while one writes; it does not see `import()` of a
 * module or of a type.
 */
import { assert, describe, it } from "@effect/vitest"
import { importsIn, type Source, sourcesOf } from "./sources.ts"

/** Rooms of `src`, lower ones first. A room imports those below it; of two with one number neither imports the other. */
const floors: Readonly<Record<string, number>> = {
  domain: 0,
  services: 1,
  layers: 2,
  testing: 3,
  testnet: 4,
  simulation: 4,
  cli: 5,
  // main.ts, index.ts and other files of src itself.
  "": 6
}

/** Layers that meet in services only. */
const strangers: ReadonlyArray<readonly [from: string, to: string]> = [
  ["src/layers/peer/", "src/layers/sync/"],
  ["src/layers/peer/", "src/layers/chain/"],
  ["src/layers/sync/", "src/layers/peer/"],
  ["src/layers/chain/", "src/layers/peer/"],
  ["src/layers/chain/", "src/layers/sync/"]
]

const roomOf = (file: string): string => /^src\/([^/]+)\//.exec(file)?.[1] ?? ""

const problem = (from: string, to: string): string | undefined => {
  if (!to.startsWith("src/")) return "src stands alone"
  const [here, there] = [roomOf(from), roomOf(to)]
  const [mine, theirs] = [floors[here], floors[there]]
  if (mine === undefined || theirs === undefined) {
    return "a room without a floor: name it here, in the linter and in ARCHITECTURE.md"
  }
  if (here !== there && mine <= theirs) return "upwards"
  return strangers.some(([a, b]) => from.startsWith(a) && to.startsWith(b))
    ? "these two meet in services only"
    : undefined
}

/** Files on a cycle, as one path that leads back to its start; `undefined`: there is none. */
const cycleIn = (sources: ReadonlyArray<Source>): ReadonlyArray<string> | undefined => {
  const imports = new Map(sources.map((source) => [source.file, source.imports]))
  const done = new Set<string>()
  const visit = (file: string, path: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
    const at = path.indexOf(file)
    if (at >= 0) return [...path.slice(at), file]
    if (done.has(file)) return undefined
    for (const next of imports.get(file) ?? []) {
      const found = visit(next, [...path, file])
      if (found !== undefined) return found
    }
    done.add(file)
    return undefined
  }
  for (const { file } of sources) {
    const found = visit(file, [])
    if (found !== undefined) return found
  }
  return undefined
}

describe("imports", () => {
  it("go downwards: domain, services, layers, testing, testnet and simulation, cli, main", () => {
    const bad = sourcesOf("src").flatMap(({ file, imports }) =>
      imports.flatMap((to) => {
        const what = problem(file, to)
        return what === undefined ? [] : [`${file} imports ${to}: ${what}`]
      })
    )
    assert.deepStrictEqual(bad, [])
  })

  it("make no cycle, types and import() included", () => {
    assert.isUndefined(cycleIn(sourcesOf("src", "test", "bench")))
  })

  it("are seen in every form", () => {
    assert.deepStrictEqual(importsIn(`import "./a.ts"\nexport * from "./b.ts"\nconst c = await import("./c.ts")`), [
      "./a.ts",
      "./b.ts",
      "./c.ts"
    ])
    assert.strictEqual(problem("src/domain/A.ts", "src/layers/B.ts"), "upwards")
    assert.strictEqual(problem("src/testnet/A.ts", "src/simulation/B.ts"), "upwards")
    assert.isDefined(problem("src/layers/peer/A.ts", "src/layers/sync/B.ts"))
    assert.deepStrictEqual(
      cycleIn([{ file: "a", lines: [], imports: ["b"] }, { file: "b", lines: [], imports: ["a"] }]),
      ["a", "b", "a"]
    )
  })
})
