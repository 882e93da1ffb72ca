/** The exit code of a command line that does not parse, for every command. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Runtime } from "effect"
import { paths, runLine } from "../../scripts/ops/helpDocs.ts"

const codeOf = (words: ReadonlyArray<string>): number => {
  const exit = Effect.runSyncExit(runLine(words, { present: () => Effect.void }))
  if (Exit.isSuccess(exit)) return 0
  return Runtime.getErrorExitCode(
    exit.cause.reasons.flatMap((reason) => reason._tag === "Fail" ? [reason.error] : [])[0]
  )
}

describe("exit codes", () => {
  it("an unknown flag is 2, of run 78: a restart with the same one mends nothing", () => {
    for (const path of paths) {
      const words = [...path.slice(1), "--no-such-flag"]
      assert.strictEqual(codeOf(words), path[1] === "run" ? 78 : 2, words.join(" "))
    }
  })

  it("a missing argument, an unknown command and a value of another kind are 2, help is 0", () => {
    assert.strictEqual(codeOf(["why"]), 2)
    assert.strictEqual(codeOf(["no-such-command"]), 2)
    assert.strictEqual(codeOf(["testnet", "--nodes", "many"]), 2)
    assert.strictEqual(codeOf([]), 0)
    assert.strictEqual(codeOf(["chain"]), 0)
    assert.strictEqual(codeOf(["run", "--help"]), 0)
  })
})
