/** package.json says what the entry points are, and one version of effect for everybody. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import { expected, manifest } from "./entryPoints.ts"

describe("package.json", () => {
  it("exports every module of the entry points, and nothing else", () => {
    assert.deepStrictEqual(manifest().exports, expected(), JSON.stringify(expected(), null, 2))
  })

  it("asks for the Node.js that the command asks for", () => {
    const bin = fs.readFileSync(new URL("../../src/bin.ts", import.meta.url), "utf8")
    assert.strictEqual(manifest().engines.node, `>=${/leastNode = (\d+)/.exec(bin)?.[1]}`)
  })

  it("leaves effect to the application, and develops with one version of the range", () => {
    const { devDependencies, peerDependencies } = manifest()
    for (const name of ["effect", "@effect/platform-node"]) {
      assert.strictEqual(peerDependencies[name], `^${devDependencies[name]}`)
    }
  })
})
