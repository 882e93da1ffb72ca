/** What docs/ARCHITECTURE.md says is there: its paths exist, and every invariant names a test or a rule that is. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"

const root = new URL("../../", import.meta.url)
const text = fs.readFileSync(new URL("docs/ARCHITECTURE.md", root), "utf8")

const paths = (part: string): ReadonlyArray<string> => [
  ...new Set([...part.matchAll(/`((?:src|test|bench|scripts|docs)\/[\w./-]*)`/g)].map(([, path = ""]) => path))
]

/** The numbered items of the section, each as one line. */
const invariants = (text.split("\n## Invariants\n")[1] ?? "").split("\n## ")[0]?.split(/\n(?=\d+\. )/).slice(1)
  .map((item) => item.replaceAll(/\s+/g, " ")) ?? []

describe("docs/ARCHITECTURE.md", () => {
  it("names files and folders that exist", () => {
    assert.isAbove(paths(text).length, 30)
    assert.deepStrictEqual(paths(text).filter((path) => !fs.existsSync(new URL(path, root))), [])
  })

  it("names every folder of src and every room of domain and layers", () => {
    const folders = ["src", "src/domain", "src/layers"].flatMap((parent) =>
      fs.readdirSync(new URL(parent, root), { withFileTypes: true }).filter((entry) => entry.isDirectory())
        .map(({ name }) => `${parent}/${name}/`)
    )
    assert.deepStrictEqual(folders.filter((folder) => !text.includes(folder)), [])
  })

  it("names for each invariant a test or a rule that exists", () => {
    assert.isAtLeast(invariants.length, 10)
    for (const item of invariants) {
      const kept = [...item.matchAll(/`([\w./-]+\.(?:test\.ts|json))`:((?:,? ?"[^"]+")+)/g)]
      assert.isNotEmpty(kept, `no test is named: ${item}`)
      for (const [, file = "", titles = ""] of kept) {
        assert.isTrue(fs.existsSync(new URL(file, root)), `${file} is gone: ${item}`)
        const content = fs.readFileSync(new URL(file, root), "utf8")
        for (const [, title = ""] of titles.matchAll(/"([^"]+)"/g)) {
          assert.include(content, title, `${file} has no "${title}"`)
        }
      }
    }
  })
})
