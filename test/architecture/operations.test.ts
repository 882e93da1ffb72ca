/** docs/OPERATIONS.md has a row for every situation, and for nothing else. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { situations } from "../../src/domain/peer/Situation.ts"

const text = readFileSync(new URL("../../docs/OPERATIONS.md", import.meta.url), "utf8")

describe("docs/OPERATIONS.md", () => {
  it("has each situation once", () => {
    const rows = [...text.matchAll(/^\| `([a-z-]+)` +\|/gm)].map((match) => match[1])
    assert.deepStrictEqual(rows.toSorted(), [...situations].toSorted())
  })
})
