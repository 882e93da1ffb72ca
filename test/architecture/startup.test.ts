/** What the program loads before it knows its command: every command pays for it, `status` every time that monitoring asks. */
import { assert, describe, it } from "@effect/vitest"
import { type Source, sourcesOf } from "./sources.ts"

const sources = new Map(sourcesOf("src").map((source) => [source.file, source]))

/** The modules that this one's code loads with it: types are erased, and `import()` is for later. */
const loadedBy = ({ file, lines }: Source): ReadonlyArray<string> =>
  [...lines.join("\n").matchAll(/^(?:import|export(?= [{*]))\b(?! type\b)[^"]*"(\.[^"]+)"/gm)].map(([, to = ""]) =>
    new URL(to, `file:///${file}`).pathname.slice(1)
  )

/** The module and all that is loaded with it. */
const closure = (file: string): ReadonlySet<string> => {
  const found = new Set<string>()
  const visit = (file: string): void => {
    const source = sources.get(file)
    if (found.has(file) || source === undefined) return
    found.add(file)
    loadedBy(source).forEach(visit)
  }
  visit(file)
  return found
}

/** Commands that only ask a running node. */
const asking = ["ban", "bans", "connect", "disconnect", "masternodes", "status", "trace", "unban", "watch", "why"]

describe("the start of the program", () => {
  const start = closure("src/main.ts")

  it("loads no part of the node, of the simulator or of the testnet", () => {
    const heavy =
      /^src\/(?:layers\/(?:peer|sync|masternode\/MasternodesLive)|simulation\/(?!plan\/Mutants)|testnet\/|cli\/run\/)/
    assert.deepStrictEqual([...start].filter((file) => heavy.test(file)), [])
    assert.isTrue([...sources.keys()].some((file) => heavy.test(file) && file.includes("/sync/")))
  })

  it("loads at most 165 modules of ours", () => {
    assert.isAtLeast(start.size, 100)
    assert.isAtMost(start.size, 165)
  })

  it("is all that a command loads which only asks a node", () => {
    for (const name of asking) {
      const files = [...closure(`src/cli/${name}.ts`)]
      assert.isAbove(files.length, 20, name)
      assert.deepStrictEqual(files.filter((file) => !start.has(file)), [], name)
      const later = files.filter((file) => /\bimport\("\./.test(sources.get(file)?.lines.join("\n") ?? ""))
      // The chain's store, of commands on a stopped node.
      assert.deepStrictEqual(later.filter((file) => file !== "src/cli/chain/target.ts"), [], name)
    }
  })
})
