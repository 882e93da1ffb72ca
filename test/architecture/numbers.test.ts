/** Bounds and defaults stand in `Limits.ts`, with unit and reason. What is found: a named number, or one that has a unit, anywhere else in src. */
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
/** Smaller numbers are kinds, versions and counts of things that are written out beside them. */
const least = 10
/** `const most = 100`, whatever its name. */
const isNumber = (line: string): boolean => {
  const [, text] = /\bconst \w+\s*(?::[^=]+)?=\s*(-?[\d_.]+n?(?:\s*[*+]\s*[\d_.]+)*)$/.exec(line) ?? []
  return text !== undefined && (/[*+]/.test(text) || Math.abs(Number(text.replaceAll(/[_n]/g, ""))) >= least)
}
/** `"10 seconds"`, `sleep(20)`. */
const duration = /"\d+ (?:milli|second|minute|hour|day)/
const literalWait = /\b(?:sleep|delay|spaced|timeout\w*|tick)\(\s*[1-9][\d_]*\s*\)/

/** Numbers that are no bounds: sizes and codes that a format fixes, units themselves, the layout of a screen or a table, a deliberate defect. */
const formats = ["src/domain/chain/", "src/domain/wire/", "src/domain/masternode/AnnouncementBytes.ts"]
const allowed: ReadonlyArray<readonly [file: string, name: string, why: string]> = [
  ["src/domain/peer/AliasProof.ts", "proofBytes", "the format of a proof"],
  ["src/layers/chain/tools/ChainFile.ts", "lengthBytes", "the format of a chain file"],
  ["src/layers/log/SyncProgress.ts", "cells", "the width of a bar"],
  ["src/simulation/Simulation.ts", "hourMs", "a unit"],
  ["src/simulation/watch/Traffic.ts", "headBytes", "the format of the simulated traffic"],
  ["src/simulation/Mutant.ts", "100 minutes", "a deliberate defect"],
  ["src/bin.ts", "leastNode", "the version that package.json names: nothing can be imported before it is checked"],
  ["src/cli/simulate/bar.ts", "cells", "the width of a bar"],
  ["src/cli/simulate/render.ts", "cellsMost", "the width of a bar"],
  ["src/cli/simulate/render.ts", "cellsLeast", "the width of a bar"],
  ["src/cli/watch/screen.ts", "cells", "the width of a bar"],
  ["src/cli/table.ts", "leastOfLast", "the width of a column"],
  ["src/cli/table.ts", "leastOfCut", "the width of a column"],
  ["src/domain/masternode/MasternodeReport.ts", "shortKeyDigits", "the width of a key in a log"],
  ["src/domain/masternode/TimeMasternode.ts", "keyLength", "the format of a key"],
  ["src/domain/masternode/TimeMasternode.ts", "signatureLength", "the format of a signature"],
  ["src/domain/pair/TimeHandshake.ts", "leastCommitCount", "the TIME network's"],
  ["src/domain/peer/MessageCost.ts", "KiB", "a unit"],
  ["src/layers/chain/ChainTables.ts", "lengthBits", "the format of a column"],
  ["src/layers/chain/HashIndex.ts", "segmentBits", "the layout of a hash table"],
  ["src/layers/chain/HashIndex.ts", "firstPairs", "the layout of a hash table"],
  ["src/layers/config/Settings.ts", "hour", "a unit"],
  ["src/layers/http/processTime.ts", "tickMs", "a unit of Linux"],
  ["src/layers/http/processTime.ts", "userField", "the format of a file of Linux"],
  ["src/layers/log/LogOutput.ts", "newline", "a character"],
  ["src/layers/socket/memory/MemoryHost.ts", "firstPort", "the ephemeral ports of IANA"],
  ["src/layers/socket/memory/MemoryHost.ts", "lastPort", "the ephemeral ports of IANA"],
  ["src/layers/sql/SqlFailure.ts", "sqliteShmSize", "a code of SQLite"],
  ["src/layers/sql/SqlFailure.ts", "sqliteShortRead", "a code of SQLite"],
  ["src/layers/sql/SqliteHandle.ts", "corrupt", "a code of SQLite"],
  ["src/layers/sql/SqliteHandle.ts", "notADatabase", "a code of SQLite"],
  ["src/layers/sql/SqliteHandle.ts", "cannotOpen", "a code of SQLite"],
  ["src/layers/sql/SqliteHandle.ts", "full", "a code of SQLite"],
  ["src/simulation/hostile/Noise.ts", "hash", "the format of a hash"],
  ["src/simulation/timed/Ledger.ts", "minute", "a unit"],
  ["src/simulation/timed/Timed.ts", "port", "the TIME network's"]
]

const isBound = (line: string, before: string): boolean =>
  named.test(line) || isNumber(line) || (constant.test(line) && unit.test(before)) ||
  (!/^\s*(?:\*|\/\/|\/\*)/.test(line) && (duration.test(line) || literalWait.test(line)))

describe("numbers", () => {
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
    assert.isTrue(isBound("const indexedAtOnce = 100", "/** Large blocks indexed per step. */"))
    assert.isFalse(isBound("const version = 1", ""))
    assert.isFalse(isBound("const waitMs = Limits.waitMs", "/** ms. Of one. */"))
    assert.isFalse(isBound(" * as with \"10 seconds\"", ""))
  })
})
