/** Bounds and defaults stand in `Limits.ts`, with unit and reason. What is found: a number that has a unit, anywhere else in src. */
import { assert, describe, it } from "@effect/vitest"
import { sourcesOf } from "./sources.ts"

const value = String.raw`-?[\d_.]+n?(?:\s*[*+]\s*[\d_.]+)*`
/** `const waitMs = 20`: the name has a unit. */
const named = new RegExp(
  String
    .raw`\bconst \w*(?:Ms|Seconds|Minutes|Hours|Bytes|Kib|Mib|Blocks|Peers|Rows|Lines|Frames|Characters)\s*(?::[^=]+)?=\s*${value}$`
)
/** A constant whose comment begins with a unit. */
const constant = new RegExp(String.raw`\bconst \w+\s*(?::[^=]+)?=\s*${value}$`)
const unit =
  /(?:\/\*\*|^\s*\*)\s*(?:ms|s|hours|bytes|characters|KiB|MiB|blocks|peers|entries|lines|rows|messages|addresses)\b/
/** `"10 seconds"`, `sleep(20)`. */
const duration = /"\d+ (?:milli|second|minute|hour|day)/
const literalWait = /\b(?:sleep|delay|spaced|timeout\w*|tick)\(\s*[1-9][\d_]*\s*\)/

/** Numbers that are no bounds: sizes that a format fixes, units themselves, a deliberate defect. */
const formats = ["src/domain/chain/", "src/domain/wire/", "src/domain/masternode/AnnouncementBytes.ts"]
const allowed: ReadonlyArray<readonly [file: string, name: string, why: string]> = [
  ["src/domain/peer/AliasProof.ts", "proofBytes", "the format of a proof"],
  ["src/layers/chain/tools/ChainFile.ts", "lengthBytes", "the format of a chain file"],
  ["src/layers/log/SyncProgress.ts", "cells", "the width of a bar"],
  ["src/simulation/Simulation.ts", "hourMs", "a unit"],
  ["src/simulation/watch/Traffic.ts", "headBytes", "the format of the simulated traffic"],
  ["src/simulation/Mutant.ts", "100 minutes", "a deliberate defect"]
]

const isBound = (line: string, before: string): boolean =>
  named.test(line) || (constant.test(line) && unit.test(before)) ||
  (!/^\s*(?:\*|\/\/|\/\*)/.test(line) && (duration.test(line) || literalWait.test(line)))

describe("numbers with a unit", () => {
  it("stand in Limits.ts", () => {
    const found = sourcesOf("src").flatMap(({ file, lines }) =>
      file.endsWith("Limits.ts") || formats.some((folder) => file.startsWith(folder))
        ? []
        : lines.flatMap((line, i) => isBound(line, lines[i - 1] ?? "") ? [`${file}:${i + 1}: ${line.trim()}`] : [])
    )
    const unexplained = found.filter((place) =>
      !allowed.some(([file, name]) => place.startsWith(`${file}:`) && place.includes(name))
    )
    assert.deepStrictEqual(unexplained, [])
    for (const [file, name] of allowed) {
      assert.isTrue(
        found.some((place) => place.startsWith(`${file}:`) && place.includes(name)),
        `${file}: ${name} is gone`
      )
    }
  })

  it("are found", () => {
    assert.isTrue(isBound("const againMs = 20", ""))
    assert.isTrue(isBound("  const most: number = 64 * 1_024", "/** bytes. Longest. */"))
    assert.isTrue(isBound(`Effect.timeout("10 seconds")`, ""))
    assert.isTrue(isBound("yield* Effect.sleep(20)", ""))
    assert.isFalse(isBound("const waitMs = Limits.waitMs", "/** ms. Of one. */"))
    assert.isFalse(isBound(" * as with \"10 seconds\"", ""))
  })
})
