/** The exit code of a command line that does not parse, for every command. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Runtime } from "effect"
import { paths, runLine } from "../../scripts/ops/helpDocs.ts"
import { orFail } from "../../src/cli/backup.ts"
import * as commandLine from "../../src/cli/commandLine.ts"
import * as Failure from "../../src/cli/Failure.ts"
import { BackupError } from "../../src/layers/node/Backup.ts"

const codeOf = (words: ReadonlyArray<string>): number => failureOf(runLine(words, { present: () => Effect.void }))

const failureOf = (run: Effect.Effect<void, unknown>): number => {
  const exit = Effect.runSyncExit(run)
  if (Exit.isSuccess(exit)) return 0
  return Runtime.getErrorExitCode(
    exit.cause.reasons.flatMap((reason) => reason._tag === "Fail" ? [reason.error] : [])[0]
  )
}

describe("a value that begins with a dash", () => {
  it("is not read as flags, help among them: the command fails, by the code of its kind", () => {
    for (
      const [words, code] of [
        [["ban", "203.0.113.7", "--for", "-1h"], 2],
        [["run", "--ping", "-1h"], 78],
        [["-vh"], 2],
        [["chain", "rewind", "-h5"], 2]
      ] as const
    ) assert.strictEqual(failureOf(Failure.withUsage(commandLine.check(words))), code, words.join(" "))
  })

  it("leaves alone flags, negative numbers, what follows = and what follows --", () => {
    for (
      const words of [["-h"], ["ban", "-v"], ["run", "--max-peers", "-1.5e3"], ["ban", "--for=-1h"], ["--", "-xyz"], [
        "-"
      ]]
    ) {
      assert.isUndefined(commandLine.faultIn(words), words.join(" "))
    }
  })
})

describe("an empty value", () => {
  it("is not read as an absent flag: the command fails, and names the flag", () => {
    for (
      const [words, code, says] of [
        [["run", "--data-dir", ""], 78, "--data-dir has an empty value"],
        [["run", "--admin-token-file="], 78, "--admin-token-file has an empty value"],
        [["backup", "--out", ""], 2, "--out has an empty value"],
        [["ban", "203.0.113.7", "--reason", ""], 2, "--reason has an empty value"],
        [["chain", "info", "--file", ""], 2, "--file has an empty value"],
        [["restore", "", "--data-dir", "d"], 2, "an argument is empty"],
        [["replay", "--", ""], 2, "an argument is empty"],
        [["why", "--admin=127.0.0.1:1", ""], 2, "an argument is empty"]
      ] as const
    ) {
      assert.include(commandLine.faultIn(words), says)
      assert.strictEqual(failureOf(Failure.withUsage(commandLine.check(words))), code, words.join(" "))
    }
    for (const words of [["run", "--peer=a=b"], ["ban", "1.2.3.4", "--reason", " "], []]) {
      assert.isUndefined(commandLine.faultIn(words), words.join(" "))
    }
  })
})

describe("exit codes", () => {
  it("an unknown flag is 2, of run 78: a restart with the same one mends nothing", () => {
    for (const path of paths) {
      const words = [...path.slice(1), "--no-such-flag"]
      assert.strictEqual(codeOf(words), path[1] === "run" ? 78 : 2, words.join(" "))
    }
  })

  it("a directory that is no backup is 2, as a file that is no trace; a damaged backup, and no node to copy, are 1", () => {
    for (
      const [reason, code] of [["NoCopy", 2], ["Exists", 2], ["Target", 2], ["Damaged", 1], ["Missing", 1], [
        "Failed",
        1
      ]] as const
    ) {
      assert.strictEqual(failureOf(orFail(Effect.fail(new BackupError({ reason, what: "x" })))), code, reason)
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
